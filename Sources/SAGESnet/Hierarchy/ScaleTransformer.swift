import Autodiff
import HDF5
import Kernels
import NeuralNetworks
import Tensor

/// Between a space-time block of cells and one cell of the level above (004, "Scale transformation"): z = x E + e and
/// x = z D + d.
public struct ScaleTransformer: Equatable, Sendable {
    /// Numbers of a block, and of its code.
    public let inputs, codes: Int
    /// E. [inputs, codes]
    public var encoder: [Double]
    /// e. [codes]
    public var encoderOffset: [Double]
    /// D. [codes, inputs]
    public var decoder: [Double]
    /// d. [inputs]
    public var decoderOffset: [Double]

    /// A transformer of zeros.
    init(inputs: Int, codes: Int) {
        self.inputs = inputs
        self.codes = codes
        encoder = [Double](repeating: 0, count: inputs * codes)
        encoderOffset = [Double](repeating: 0, count: codes)
        decoder = [Double](repeating: 0, count: inputs * codes)
        decoderOffset = [Double](repeating: 0, count: inputs)
    }

    /// The shape of each of its arrays.
    static func shapes(inputs: Int, codes: Int) -> [(name: String, shape: Shape)] {
        [
            ("encoder", [inputs, codes]), ("encoder_offset", [codes]), ("decoder", [codes, inputs]),
            ("decoder_offset", [inputs]),
        ]
    }

    /// In the order of `shapes`.
    var arrays: [[Double]] {
        get { [encoder, encoderOffset, decoder, decoderOffset] }
        set { (encoder, encoderOffset, decoder, decoderOffset) = (newValue[0], newValue[1], newValue[2], newValue[3]) }
    }

    /// The code of a block, for tests and figures.
    func code(_ block: [Double]) -> [Double] {
        (0..<codes).map { code in
            (0..<inputs).reduce(encoderOffset[code]) { $0 + block[$1] * encoder[$1 * codes + code] }
        }
    }
}

extension ScaleTransformer {
    /// Writes the group of a level below `transformers`.
    func write(to group: Group) throws {
        for (array, part) in zip(arrays, Self.shapes(inputs: inputs, codes: codes)) {
            try group.writeDataset(part.name, array, shape: part.shape.extents)
        }
    }

    /// Reads it; the numbers must be as many as the configuration says.
    ///
    /// - Throws: `HDF5Error`, `SAGESnetError.unsuitableData`.
    init(from group: Group, inputs: Int, codes: Int) throws {
        self.init(inputs: inputs, codes: codes)
        arrays = try Self.shapes(inputs: inputs, codes: codes).map { part in
            let dataset = try group.dataset(part.name)
            guard dataset.shape == part.shape.extents else {
                throw SAGESnetError.unsuitableData(
                    file: group.file.path, reason: "\(dataset.path) has shape \(dataset.shape), not \(part.shape.extents)")
            }
            let values = try dataset.read(Double.self)
            guard values.allSatisfy(\.isFinite) else {
                throw SAGESnetError.unsuitableData(
                    file: group.file.path, reason: "\(dataset.path) holds numbers that are not finite")
            }
            return values
        }
    }
}

/// A scale transformer on a tape: trained parameters, or numbers that stay as they are.
struct RecordedTransformer<Scalar: KernelScalar> {
    private let variables: [Variable<Scalar>]
    /// What its inputs are filled with; nil for parameters.
    private let constants: ScaleTransformer?

    init(_ transformer: ScaleTransformer, _ name: String, on tape: Tape<Scalar>) {
        variables = ScaleTransformer.shapes(inputs: transformer.inputs, codes: transformer.codes).map {
            tape.input("\(name) \($0.name)", $0.shape)
        }
        constants = transformer
    }

    init(_ parameters: [Parameter], on tape: Tape<Scalar>) {
        variables = parameters.map { tape.parameter($0) }
        constants = nil
    }

    func encode(_ block: Variable<Scalar>) -> Variable<Scalar> {
        block.rowProduct(variables[0]).addingRow(variables[1])
    }

    func decode(_ code: Variable<Scalar>) -> Variable<Scalar> {
        code.rowProduct(variables[2]).addingRow(variables[3])
    }

    /// Fills what a program reads.
    func fill(_ program: Program<Scalar>) {
        guard let constants else { return }
        for (variable, values) in zip(variables, constants.arrays) where program.contains(variable) {
            let target = program.pointer(to: variable)
            for (index, value) in values.enumerated() { target[index] = Scalar(value) }
        }
    }
}
