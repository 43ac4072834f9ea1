import Kernels
import Tensor

/// A value on a tape: an input, a parameter, a constant or the result of an operation.
///
/// Variables are symbols. Recording computes nothing; a `Program` made from the tape does.
public struct Variable<Scalar: KernelScalar> {
    public let tape: Tape<Scalar>
    let id: Int

    public var shape: Shape { tape.nodes[id].shape }
    public var domain: RowDomain? { tape.nodes[id].domain }
    public var columns: Int { shape.columns }

    /// Records an operation whose first input is this variable.
    func applying(_ operation: some Operation<Scalar>, _ others: Variable...) -> Variable {
        tape.record(operation, [self] + others)
    }
}
