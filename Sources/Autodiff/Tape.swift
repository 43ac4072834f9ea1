import Kernels
import Tensor

/// A record of operations in the order in which they can be computed.
///
/// Model code runs once, on variables, to record the tape; `gradients` extends the record by the adjoint operations;
/// a `Program` then plans memory for the outputs wanted and computes them as often as needed.
public final class Tape<Scalar: KernelScalar> {
    enum Kind {
        case input(name: String)
        /// A view of the parameter arena, from the given offset.
        case parameter(offset: Int)
        case constant(Scalar)
        case operation(any Operation<Scalar>)
    }

    struct Node {
        let kind: Kind
        let inputs: [Int]
        let shape: Shape
        let domain: RowDomain?
    }

    private struct Key: Hashable {
        let operation: AnyHashable
        let inputs: [Int]
    }

    private(set) var nodes: [Node] = []
    private var recorded: [Key: Int] = [:]
    private var parameters: [Int: Int] = [:]

    public init() {}

    /// A variable that the caller fills before each run.
    public func input(_ name: String, _ shape: Shape, over domain: RowDomain? = nil) -> Variable<Scalar> {
        if let domain { precondition(shape.rows == domain.capacity, "\(name): \(shape) over \(domain.capacity) rows") }
        return append(Node(kind: .input(name: name), inputs: [], shape: shape, domain: domain))
    }

    /// The parameters of `shape` that begin at `offset` in the arena.
    public func parameter(at offset: Int, _ shape: Shape) -> Variable<Scalar> {
        if let known = parameters[offset], nodes[known].shape == shape { return Variable(tape: self, id: known) }
        let variable = append(Node(kind: .parameter(offset: offset), inputs: [], shape: shape, domain: nil))
        parameters[offset] = variable.id
        return variable
    }

    /// A variable with every element equal to `value`.
    public func constant(_ value: Scalar, _ shape: Shape, over domain: RowDomain? = nil) -> Variable<Scalar> {
        append(Node(kind: .constant(value), inputs: [], shape: shape, domain: domain))
    }

    func constant(_ value: Scalar, like other: Variable<Scalar>) -> Variable<Scalar> {
        constant(value, other.shape, over: other.domain)
    }

    /// Records an operation, or finds the same operation on the same inputs recorded before.
    public func record(_ operation: some Operation<Scalar>, _ inputs: [Variable<Scalar>]) -> Variable<Scalar> {
        precondition(inputs.allSatisfy { $0.tape === self }, "inputs of another tape")
        let key = Key(operation: AnyHashable(operation), inputs: inputs.map(\.id))
        if let known = recorded[key] { return Variable(tape: self, id: known) }
        let variable = append(
            Node(
                kind: .operation(operation), inputs: key.inputs, shape: operation.shape(of: inputs.map(\.shape)),
                domain: operation.domain(of: inputs.map(\.domain))))
        recorded[key] = variable.id
        return variable
    }

    private func append(_ node: Node) -> Variable<Scalar> {
        nodes.append(node)
        return Variable(tape: self, id: nodes.count - 1)
    }
}
