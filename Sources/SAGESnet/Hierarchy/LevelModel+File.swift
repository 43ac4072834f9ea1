import Configuration
import HDF5
import MPI
import Tensor
import Training

extension LevelNormalization {
    /// Writes the group `normalization`.
    func write(to root: Group) throws {
        let group = try root.createGroup("normalization")
        try group.writeDataset("offset", [offset])
        try group.writeDataset("velocity", [velocity])
        try group.writeDataset("steps", [stride.steps])
        try group.writeDataset("time_step", [stride.time])
    }

    /// Reads the group `normalization` of a model file.
    init(from root: Group) throws {
        let group = try root.group("normalization")
        func read<Value: HDF5Datatype>(_ name: String, where isGood: (Value) -> Bool) throws -> Value {
            let values = try group.dataset(name).read(Value.self)
            guard values.count == 1, isGood(values[0]) else {
                throw SAGESnetError.unsuitableData(
                    file: root.file.path, reason: "/normalization/\(name) is not one positive number")
            }
            return values[0]
        }
        func positive(_ value: Double) -> Bool { value.isFinite && value > 0 }
        offset = try read("offset", where: positive)
        velocity = try read("velocity", where: positive)
        stride = .init(steps: try read("steps") { (steps: Int64) in steps > 0 }, time: try read("time_step", where: positive))
    }
}

extension LevelModel {
    /// Writes normalization and transformers.
    func write(to root: Group) throws {
        try normalization.write(to: root)
        let group = try root.createGroup("transformers")
        for (index, transformer) in transformers.enumerated() {
            try transformer.write(to: group.createGroup("level\(index + 1)"))
        }
    }

    /// Reads a trained model on rank 0 and gives it to every rank. Collective.
    ///
    /// - Returns: the model, its weights in its layout, and its whole configuration, decoded and as canonical JSON.
    /// - Throws: on every rank, `HDF5Error` (66 if the file is missing, 65 if it is damaged), `TrainingError` for a
    ///   model of another kind or damaged weights, `SAGESnetError.otherState` for one of another state.
    public static func load<Scalar: TrainingScalar>(
        _ path: String, as type: Scalar.Type = Scalar.self, communicator: Communicator
    ) throws -> (model: LevelModel, parameters: Buffer<Scalar>, configuration: RunConfiguration, text: String) {
        var normalization = LevelNormalization(stride: .init(steps: 1, time: 1))
        var transformers: [ScaleTransformer] = []
        func blank(_ configuration: LevelConfiguration) -> [ScaleTransformer] {
            (1...configuration.level).map {
                ScaleTransformer(inputs: configuration.inputs($0), codes: configuration.codes($0))
            }
        }
        let kind = ModelConfiguration.Kind.sagesnet.rawValue
        let (loaded, parameters) = try ModelFile.load(path, kind: kind, as: type, communicator: communicator) { _, text in
            let run = try ConfigurationDocument(text: text, source: "\(path):/config").decode(RunConfiguration.self).value
            let configuration = try run.model.level(from: path)
            transformers = blank(configuration)
            return ((run: run, text: text), LevelModel(configuration, normalization, transformers).layout)
        } reading: { root in
            normalization = try LevelNormalization(from: root)
            transformers = try transformers.enumerated().map { index, transformer in
                try ScaleTransformer(
                    from: root.group("transformers/level\(index + 1)"), inputs: transformer.inputs,
                    codes: transformer.codes)
            }
        }
        let numbers = try communicator.broadcast([normalization.offset, normalization.velocity, normalization.stride.time], root: 0)
        let steps = try communicator.broadcast(normalization.stride.steps, root: 0)
        normalization = LevelNormalization(
            offset: numbers[0], velocity: numbers[1], stride: .init(steps: steps, time: numbers[2]))
        for index in transformers.indices {
            transformers[index].arrays = try transformers[index].arrays.map { try communicator.broadcast($0, root: 0) }
        }
        let configuration = try loaded.run.model.level(from: path)
        return (LevelModel(configuration, normalization, transformers), parameters, loaded.run, loaded.text)
    }
}
