import Kernels
import Tensor

/// How a parameter gets its first value.
public enum Initialization: Hashable, Sendable {
    case constant(Double)
    /// Normal with variance gain^2 / fanIn.
    case scaledNormal(fanIn: Int, gain: Double)
}

/// Where one parameter lies in the arena.
public struct Parameter: Hashable, Sendable {
    /// A path such as `predictor/block0/convolution/weights`; the dataset's name below `/parameters` in a file.
    public let name: String
    public let shape: Shape
    /// The index of the first element in the arena; a multiple of 16.
    public let offset: Int
    let initialization: Initialization
}

/// The names, shapes and places of a model's parameters in one flat arena.
///
/// Values, gradients and optimizer state all have this layout, so that the optimizer, the reduction over ranks and
/// the checkpoint each handle flat memory. Elements between parameters are zero and stay zero.
public struct ParameterLayout: Sendable {
    public private(set) var parameters: [Parameter] = []
    private var end = 0

    public init() {}

    /// Elements of the arena.
    public var count: Int { end }

    /// The number of trainable scalars.
    public var scalarCount: Int { parameters.reduce(0) { $0 + $1.shape.count } }

    /// Adds a parameter behind the others.
    ///
    /// - Precondition: the name is new.
    public mutating func add(_ name: String, _ shape: Shape, _ initialization: Initialization) -> Parameter {
        precondition(!parameters.contains { $0.name == name }, "two parameters named \(name)")
        let parameter = Parameter(name: name, shape: shape, offset: end, initialization: initialization)
        parameters.append(parameter)
        end += (shape.count + 15) / 16 * 16
        return parameter
    }

    /// First values: element i of parameter p depends on the seed, p and i alone.
    public func initialize<Scalar: KernelScalar>(_ arena: UnsafeMutablePointer<Scalar>, seed: UInt64) {
        arena.update(repeating: 0, count: count)
        for (index, parameter) in parameters.enumerated() {
            let target = arena + parameter.offset
            switch parameter.initialization {
            case .constant(let value): target.update(repeating: Scalar(value), count: parameter.shape.count)
            case .scaledNormal(let fanIn, let gain):
                var generator = Philox(seed: seed, stream: UInt64(index))
                let deviation = gain / Double(max(fanIn, 1)).squareRoot()
                for element in 0..<parameter.shape.count { target[element] = Scalar(deviation * generator.nextNormal()) }
            }
        }
    }
}
