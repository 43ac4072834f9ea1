import CHDF5

/// A number that HDF5 stores and converts to. A type that does not conform does not compile as an argument.
public protocol HDF5Datatype: BitwiseCopyable {
    /// The library's identifier of the type in this process's memory; never closed.
    static var hdf5Datatype: hid_t { get }
}

extension Float: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_float() } }
extension Double: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_double() } }
extension Int8: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_int8() } }
extension Int16: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_int16() } }
extension Int32: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_int32() } }
extension Int64: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_int64() } }
extension Int: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_int64() } }
extension UInt8: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_uint8() } }
extension UInt16: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_uint16() } }
extension UInt32: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_uint32() } }
extension UInt64: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_uint64() } }
extension UInt: HDF5Datatype { public static var hdf5Datatype: hid_t { sages_h5_native_uint64() } }

/// What the elements of a dataset or attribute are.
public enum ElementClass: Sendable, Equatable {
    case integer(bytes: Int, signed: Bool)
    case float(bytes: Int)
    /// Strings of at most `bytes` bytes.
    case fixedString(bytes: Int)
    case variableString
    /// Compound, enumeration, reference and others, which this module does not read.
    case other

    init(_ type: hid_t) {
        switch H5Tget_class(type) {
        case H5T_INTEGER: self = .integer(bytes: H5Tget_size(type), signed: H5Tget_sign(type) == H5T_SGN_2)
        case H5T_FLOAT: self = .float(bytes: H5Tget_size(type))
        case H5T_STRING:
            self = H5Tis_variable_str(type) > 0 ? .variableString : .fixedString(bytes: H5Tget_size(type))
        default: self = .other
        }
    }

    /// As people write it: int32, float64, string.
    public var name: String {
        switch self {
        case .integer(let bytes, let signed): "\(signed ? "int" : "uint")\(bytes * 8)"
        case .float(let bytes): "float\(bytes * 8)"
        case .fixedString, .variableString: "string"
        case .other: "other"
        }
    }

    /// Whether transfers of numbers work.
    public var isNumber: Bool {
        switch self {
        case .integer, .float: true
        default: false
        }
    }

    /// Whether `readStrings` works.
    public var isString: Bool {
        switch self {
        case .fixedString, .variableString: true
        default: false
        }
    }
}

/// A string type: UTF-8, padded with zeros to `bytes`, or of variable length.
func stringDatatype(bytes: Int?, _ place: Place) throws -> Datatype {
    let type: Datatype = try place.take(H5Tcopy(sages_h5_c_string()), "make a string type", .internal)
    try place.check(H5Tset_size(type.identifier, bytes.map { max($0, 1) } ?? sages_h5_variable_length()),
                    "size a string type", .internal)
    try place.check(H5Tset_cset(type.identifier, H5T_CSET_UTF8), "set a string's character set", .internal)
    try place.check(H5Tset_strpad(type.identifier, bytes == nil ? H5T_STR_NULLTERM : H5T_STR_NULLPAD),
                    "set a string's padding", .internal)
    return type
}
