import CMPI

/// A scalar that MPI can send and reduce. A type that does not conform does not compile as an argument.
public protocol MPIDatatype: BitwiseCopyable {
    /// The library's handle for values of this type.
    static var mpiDatatype: MPI_Datatype { get }
}

extension Bool: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_bool() } }
extension Int8: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_int8() } }
extension Int16: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_int16() } }
extension Int32: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_int32() } }
extension Int64: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_int64() } }
extension Int: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_int64() } }
extension UInt8: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_uint8() } }
extension UInt16: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_uint16() } }
extension UInt32: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_uint32() } }
extension UInt64: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_uint64() } }
extension UInt: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_uint64() } }
extension Float: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_float() } }
extension Double: MPIDatatype { public static var mpiDatatype: MPI_Datatype { sages_mpi_double() } }

/// How values of several ranks are combined. Sums and products of floating-point values depend on the order in
/// which the library combines them, hence on the number of ranks; of integers they do not.
public enum ReductionOperation: Sendable {
    case sum, product, minimum, maximum
    /// Integers and Bool only.
    case logicalAnd, logicalOr
    /// Integers only.
    case bitwiseAnd, bitwiseOr, bitwiseXor

    /// The library's handle.
    public var raw: MPI_Op {
        switch self {
        case .sum: sages_mpi_sum()
        case .product: sages_mpi_product()
        case .minimum: sages_mpi_minimum()
        case .maximum: sages_mpi_maximum()
        case .logicalAnd: sages_mpi_logical_and()
        case .logicalOr: sages_mpi_logical_or()
        case .bitwiseAnd: sages_mpi_bitwise_and()
        case .bitwiseOr: sages_mpi_bitwise_or()
        case .bitwiseXor: sages_mpi_bitwise_xor()
        }
    }
}
