import HDF5
import Kernels
import MPI
import NeuralNetworks
import Tensor

/// A trained model, or a checkpoint of its training, for reading.
///
/// One HDF5 file:
/// - attributes of the root: `kind` (as `model.kind` of the configuration), `format`;
/// - `/config`: the resolved configuration as canonical JSON;
/// - `/parameters/<name>`: the weights to use: those of the best validation so far if the training keeps the best,
///   else their running mean if there is one, else those of the last step;
/// - what the model's kind adds, such as `/normalization`;
/// - `/progress`: attributes `step`, `epoch`, `position` (of the sampler), `isFinished`, `bestLoss`, `bestStep` and
///   others;
/// - `/provenance`: attributes `version`, `commit`, `seed`, `ranks`, `nodes`, `mpi`;
/// - `/optimizer`, in a checkpoint only: flat arenas in the order of `ParameterLayout` (`weights`, `moment0`, ...), and
///   the exponents of the gradient sums. A finished model lacks it; the last checkpoint stays beside it as
///   `<file>.previous`, so that training can be prolonged.
public final class ModelFile {
    public let path: String
    /// What kind of model it is.
    public let kind: String
    /// The resolved configuration, canonical JSON.
    public let configuration: String
    /// Whether training can go on from it.
    public let isCheckpoint: Bool
    /// For what the model's kind adds.
    public let root: Group
    private let file: File

    /// The value of the attribute `format`.
    static let format = "SAGES model 1"

    private init(path: String, kind: String, configuration: String, root: Group, file: File) {
        self.path = path
        self.kind = kind
        self.configuration = configuration
        self.isCheckpoint = root.exists("optimizer")
        self.root = root
        self.file = file
    }

    /// Opens a file. Not collective: each caller reads for itself. Where many ranks need a model, one of them reads
    /// and broadcasts (`load`).
    ///
    /// - Parameter kind: the kind that the caller can use; nil for any.
    /// - Throws: `HDF5Error` if it is missing (66) or damaged (65); `TrainingError` (65) if it is no model, or one of
    ///   another kind.
    public static func open(_ path: String, kind expected: String? = nil) throws -> ModelFile {
        let file = try File.open(path)
        let root = try file.root
        guard root.hasAttribute("format"), try root.stringAttribute("format") == format,
              root.hasAttribute("kind"), root.exists("config") else {
            throw TrainingError.damagedModel(file: path, reason: "it was not written by SAGES' training")
        }
        let kind = try root.stringAttribute("kind")
        if let expected, kind != expected {
            throw TrainingError.otherKind(file: path, expected: expected, found: kind)
        }
        let texts = try root.dataset("config").readStrings()
        guard texts.count == 1 else {
            throw TrainingError.damagedModel(file: path, reason: "/config holds \(texts.count) texts, not one")
        }
        return ModelFile(path: path, kind: kind, configuration: texts[0], root: root, file: file)
    }

    /// Steps done.
    public var step: Int {
        get throws { try attribute("step", of: try root.group("progress")) }
    }

    /// A fingerprint of the weights to use.
    public var weightsChecksum: UInt64 {
        get throws { try attribute("checksum", of: try root.group("parameters")) }
    }

    /// Reads the weights to use into an arena of the layout.
    ///
    /// - Throws: `TrainingError` (65) that names a dataset that is missing, has another shape, or was damaged.
    public func readParameters<Scalar: TrainingScalar>(
        _ layout: ParameterLayout, into arena: UnsafeMutablePointer<Scalar>
    ) throws {
        let group = try root.group("parameters")
        arena.update(repeating: 0, count: layout.count)
        var checksum = Checksum()
        for parameter in layout.parameters {
            let extents = parameter.shape.extents
            guard group.exists(parameter.name) else {
                throw TrainingError.parameterDiffers(
                    file: path, dataset: "/parameters/\(parameter.name)", expected: "shape \(extents)",
                    found: "no such dataset")
            }
            let dataset = try group.dataset(parameter.name)
            guard dataset.shape == extents else {
                throw TrainingError.parameterDiffers(
                    file: path, dataset: dataset.path, expected: "shape \(extents)", found: "shape \(dataset.shape)")
            }
            let values = try dataset.read(Double.self)
            for (index, value) in values.enumerated() {
                checksum.add(value)
                arena[parameter.offset + index] = Scalar(value)
            }
        }
        try expect(checksum, of: group)
    }

    /// Throws unless the group's checksum is this one.
    func expect(_ checksum: Checksum, of group: Group) throws {
        guard try group.attribute("checksum", as: UInt64.self) == [checksum.value] else {
            throw TrainingError.damagedModel(
                file: path, reason: "the numbers in \(group.path) do not match their checksum, or there are others "
                    + "than those of the model")
        }
    }

    /// An attribute that is one number.
    func attribute<Value: HDF5Datatype>(_ name: String, of group: Group) throws -> Value {
        let values = try group.attribute(name, as: Value.self)
        guard let value = values.first, values.count == 1 else {
            throw TrainingError.damagedModel(file: path, reason: "\(group.path)@\(name) is not one number")
        }
        return value
    }

    /// Closes the file; it is also closed with the last reference.
    public func close() throws { try file.close() }
}

extension ModelFile {
    /// Opens a model on rank 0, and gives every rank its kind, configuration and, if a layout is made from that, its
    /// weights. Collective.
    ///
    /// - Parameters:
    ///   - prepare: makes the model's layout from the configuration; called on every rank.
    ///   - reading: reads what the model's kind added to the file; called on rank 0.
    /// - Returns: what `prepare` returned, and the arena of weights.
    /// - Throws: as `open` and `readParameters`, on every rank.
    public static func load<Scalar: TrainingScalar, Model>(
        _ path: String, kind: String? = nil, as type: Scalar.Type = Scalar.self, communicator: Communicator,
        prepare: (_ kind: String, _ configuration: String) throws -> (model: Model, layout: ParameterLayout),
        reading: (_ root: Group) throws -> Void = { _ in }
    ) throws -> (model: Model, parameters: Buffer<Scalar>) {
        let file = try communicator.agree { communicator.rank == 0 ? try ModelFile.open(path, kind: kind) : nil }
        let kind = try communicator.broadcast(file?.kind ?? "", root: 0)
        let configuration = try communicator.broadcast(file?.configuration ?? "", root: 0)
        let (model, layout) = try communicator.agree { try prepare(kind, configuration) }
        let arena = Buffer<Scalar>(repeating: 0, count: layout.count)
        try communicator.agree {
            guard let file else { return }
            try file.readParameters(layout, into: arena.pointer)
            try reading(file.root)
        }
        try communicator.broadcast(arena.span, root: 0)
        return (model, arena)
    }
}

/// A 64-bit fingerprint of a sequence of numbers, to recognize damage (not tampering). FNV-1a over their bits as
/// Double, so that it does not depend on the type in which they are stored.
struct Checksum: Equatable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ number: Double) {
        // The shift brings high bits down: a product alone moves bits upwards only.
        value = (value ^ number.bitPattern) &* 0x0000_0100_0000_01B3
        value ^= value >> 29
    }

    mutating func add<Scalar: TrainingScalar>(_ numbers: UnsafePointer<Scalar>, count: Int) {
        for index in 0..<count { add(Double(numbers[index])) }
    }
}
