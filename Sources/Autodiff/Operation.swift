import Kernels
import Tensor

/// A number of rows that is known only when a program runs, such as the occupied cells of a rank's domain.
///
/// All variables over one domain share the object; memory is planned for `capacity` rows, kernels visit `count`.
public final class RowDomain {
    public let name: String
    public let capacity: Int
    /// The rows in use; set before a program runs.
    public var count: Int {
        didSet { precondition(count >= 0 && count <= capacity, "\(count) rows in domain \(name) of \(capacity)") }
    }

    public init(_ name: String, capacity: Int, count: Int = 0) {
        self.name = name
        self.capacity = capacity
        self.count = count
    }
}

/// A variable's memory while a program runs.
public struct Operand<Scalar: KernelScalar> {
    public internal(set) var pointer: UnsafeMutablePointer<Scalar>
    /// The shape planned for; over a row domain its rows are the domain's capacity.
    public let shape: Shape
    /// The rows in use and the length of a row.
    public internal(set) var rows: Int
    public let columns: Int

    public var count: Int { rows * columns }
}

/// One differentiable operation: how to compute its output, and which operations compute its adjoint.
///
/// Adjoints are recorded on the same tape as ordinary operations, so that gradients of gradients need nothing more.
/// An operation is a small value; two equal operations on the same inputs are recorded once.
public protocol Operation<Scalar>: Hashable {
    associatedtype Scalar: KernelScalar

    /// The shape of the output. A mismatch of the inputs is a programmer's error and stops the program.
    func shape(of inputs: [Shape]) -> Shape

    /// The row domain of the output; by default the first one among the inputs.
    func domain(of inputs: [RowDomain?]) -> RowDomain?

    /// The input whose memory the output may take over if nobody reads that input later.
    var inPlaceInput: Int? { get }

    /// Computes `output`, every element of its rows in use.
    ///
    /// - Throws: only what communication throws; nothing is allocated.
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) throws

    /// Records the product of `cotangent` with the Jacobian, for each input that `wanted` marks; nil means zero.
    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?]
}

extension Operation {
    public func domain(of inputs: [RowDomain?]) -> RowDomain? { inputs.lazy.compactMap { $0 }.first }
    public var inPlaceInput: Int? { nil }
}
