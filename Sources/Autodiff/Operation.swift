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
    /// The first of these rows, which other ranks may read and which may read rows of other ranks; the rows behind them
    /// depend on this rank alone.
    public internal(set) var borderCount = 0

    public init(_ name: String, capacity: Int, count: Int = 0) {
        self.name = name
        self.capacity = capacity
        self.count = count
    }
}

/// A variable's memory while a program runs.
public struct Operand<Scalar: KernelScalar> {
    /// The first row that is meant.
    public internal(set) var pointer: UnsafeMutablePointer<Scalar>
    /// The shape planned for; over a row domain its rows are the domain's capacity.
    public let shape: Shape
    /// The number of `pointer`'s row: 0, except where an operation computes a block of rows.
    public internal(set) var firstRow = 0
    /// The rows in use, or those of the block, and the length of a row.
    public internal(set) var rows: Int
    public let columns: Int

    public var count: Int { rows * columns }
}

/// How the computation of an operation may be cut, with the same bits however it is cut.
public enum Division: Hashable, Sendable {
    /// Not at all.
    case none
    /// Into blocks of rows: row r of the output depends on row r of the inputs, and on any row of those that are
    /// `shared`. Neighboring operations of this kind are computed block by block, so that what passes between them
    /// stays in the caches, and blocks go to the threads of a rank.
    case rows(shared: Set<Int>)
    /// Into so many pieces of the output, for the threads of a rank.
    case pieces(Int)
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

    /// How the computation may be cut, for inputs of these shapes.
    func division(of inputs: [Shape]) -> Division

    /// The passes over all pieces of an operation divided into pieces: more than one where some of the work can be
    /// done while communication is under way.
    var passes: Int { get }

    /// What must happen before a pass over the pieces, such as communication; on the rank's main thread.
    func prepare(pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>, output: Operand<Scalar>) throws

    /// Computes one piece of `output`; called on any thread, for several pieces at once.
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>) throws

    /// The input whose ghost rows it reads, and who fills them; the program does so before, while other rows are computed.
    var ghosts: (input: Int, topology: NeighborTopology)? { get }

    /// Computes `output`, every element of its rows in use. An operation divided into rows computes those of `output`
    /// alone, which may be a block of all; its inputs that are not shared are the same block. Not called for one that
    /// is divided into pieces.
    ///
    /// - Throws: only what communication throws; nothing is allocated.
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) throws

    /// Records the product of `cotangent` with the Jacobian, for each input that `wanted` marks; nil means zero.
    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?]
}

/// An operation divided by rows that can finish its rows with an epilogue.
protocol RowProducing<Scalar>: Operation {
    /// Computes the rows of `output`, then the epilogue, of which `output` is a result.
    func evaluate(
        _ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>, epilogue: RowEpilogue<Scalar>?)
        throws
}

extension Operation {
    public func domain(of inputs: [RowDomain?]) -> RowDomain? { inputs.lazy.compactMap { $0 }.first }
    public var inPlaceInput: Int? { nil }
    public func division(of inputs: [Shape]) -> Division { .none }
    public var passes: Int { 1 }
    public var ghosts: (input: Int, topology: NeighborTopology)? { nil }
    public func prepare(
        pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>, output: Operand<Scalar>) throws {}
    public func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) throws {
        preconditionFailure("\(self) is not divided into pieces")
    }
    public func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) throws {
        preconditionFailure("\(self) is divided into pieces")
    }
}
