import Configuration
import HDF5
import MPI
import Tensor
import Training

extension GridModel.Stride {
    /// Writes the group `normalization`.
    func write(to root: Group) throws {
        let group = try root.createGroup("normalization")
        try group.writeDataset("steps", [steps])
        try group.writeDataset("time_step", [time])
    }

    /// Reads the group `normalization` of a model file.
    init(from root: Group) throws {
        let group = try root.group("normalization")
        let steps = try group.dataset("steps").read(Int64.self)
        let times = try group.dataset("time_step").read(Double.self)
        guard steps.count == 1, steps[0] > 0, times.count == 1, times[0].isFinite else {
            throw SAGESnetError.unsuitableData(
                file: root.file.path, reason: "/normalization does not hold one number of steps and one time")
        }
        self.init(steps: steps[0], time: times[0])
    }
}

extension GridModel {
    /// Reads a trained model on rank 0 and gives it to every rank. Collective.
    ///
    /// - Returns: the model, its weights in its layout, and its whole configuration, decoded and as canonical JSON.
    /// - Throws: on every rank, `HDF5Error` (66 if the file is missing, 65 if it is damaged), `TrainingError` for a
    ///   model of another kind or damaged weights, `SAGESnetError.otherState` for a model of atoms; what `CoarseLevel` does
    ///   where the model has feedback.
    public static func load<Scalar: TrainingScalar>(
        _ path: String, as type: Scalar.Type = Scalar.self, communicator: Communicator
    ) throws -> (model: GridModel, parameters: Buffer<Scalar>, configuration: RunConfiguration, text: String) {
        var stride = Stride(steps: 1, time: 1)
        let kind = ModelConfiguration.Kind.sagesnet.rawValue
        let feedback = try ModelConfiguration.load(path, communicator: communicator).grid(from: path).feedback
        let coarse = try feedback.map { try CoarseLevel($0, of: path, communicator: communicator) }
        let (loaded, parameters) = try ModelFile.load(path, kind: kind, as: type, communicator: communicator) { _, text in
            let run = try ConfigurationDocument(text: text, source: "\(path):/config").decode(RunConfiguration.self).value
            return ((run: run, text: text), GridModel(try run.model.grid(from: path), stride: stride, coarse: coarse).layout)
        } reading: { root in
            stride = try Stride(from: root)
        }
        stride.steps = try communicator.broadcast(stride.steps, root: 0)
        stride.time = try communicator.broadcast(stride.time, root: 0)
        let model = GridModel(try loaded.run.model.grid(from: path), stride: stride, coarse: coarse)
        return (model, parameters, loaded.run, loaded.text)
    }
}

extension ModelConfiguration {
    /// The configuration in a model's file. Collective.
    ///
    /// - Throws: on every rank, `HDF5Error`, `TrainingError`, `ConfigurationError`.
    public static func load(_ path: String, communicator: Communicator) throws -> ModelConfiguration {
        let kind = ModelConfiguration.Kind.sagesnet.rawValue
        let text = try communicator.broadcast(
            try communicator.agree { communicator.rank == 0 ? try ModelFile.open(path, kind: kind).configuration : "" },
            root: 0)
        return try communicator.agree {
            try ConfigurationDocument(text: text, source: "\(path):/config").decode(RunConfiguration.self).value.model
        }
    }
}
