import Foundation
import Grid
import HDF5
import MPI
import Tensor
import Training

/// A coarse level of a grid that runs together with a model of its cells, which feels its state: feedback (004, "Potential
/// challenges"). It stays as it was trained.
public struct CoarseLevel: Sendable {
    public let path: String
    public let model: LevelModel
    /// Steps of level 0 in one of the level.
    public let steps: Int
    /// Cells along each axis in one of the level.
    let factors: Extent3
    /// Numbers that the level tells the cells in one of its own: the codes of the last frames, and of the next ones as it
    /// expects them.
    let codes: Int
    /// In the model's layout.
    private let weights: [Float]
    private let checksum: UInt64

    /// Reads the level's model on rank 0 and gives it to every rank. Collective.
    ///
    /// - Throws: on every rank, what reading does; `SAGESnetError.unsuitableData` for a level of atoms.
    public init(_ path: String, communicator: Communicator) throws {
        let (model, parameters, _, _) = try LevelModel.load(path, as: Float.self, communicator: communicator)
        guard model.configuration.base == .grid else {
            throw SAGESnetError.unsuitableData(file: path, reason: "it is a level of atoms, not of a grid's cells (model.feedback)")
        }
        let configuration = model.configuration
        let (own, children) = (configuration.factors, configuration.childFactors)
        self.path = path
        self.model = model
        steps = configuration.frames(configuration.level)
        factors = Extent3(z: own.z * children.z, y: own.y * children.y, x: own.x * children.x)
        codes = 2 * configuration.codes(configuration.level)
        weights = Array(UnsafeBufferPointer(parameters.span))
        checksum = try communicator.broadcast(
            try communicator.agree { communicator.rank == 0 ? try ModelFile.open(path).weightsChecksum : 0 }, root: 0)
    }

    /// The level that a model in a file was trained with: beside the file, or else where its configuration says. Collective.
    ///
    /// - Throws: on every rank, as above; `SAGESnetError.unsuitableData` for one of other weights.
    init(_ configured: String, of file: String, communicator: Communicator) throws {
        let beside = URL(fileURLWithPath: file).deletingLastPathComponent()
            .appendingPathComponent(URL(fileURLWithPath: configured).lastPathComponent).relativePath
        // Rank 0 looks, so that all see the same.
        let isThere = try communicator.broadcast(
            communicator.rank == 0 && FileManager.default.fileExists(atPath: beside), root: 0)
        try self.init(isThere ? beside : configured, communicator: communicator)
        let known = try communicator.broadcast(
            try communicator.agree {
                communicator.rank == 0
                    ? try ModelFile.open(file).root.group("feedback").attribute("checksum", as: UInt64.self) == [checksum] : true
            }, root: 0)
        guard known else {
            throw SAGESnetError.unsuitableData(
                file: path, reason: "its weights are other ones than those that \(file) was trained with (model.feedback)")
        }
    }

    /// The level's weights.
    func parameters<Scalar: TrainingScalar>(as type: Scalar.Type = Scalar.self) -> Buffer<Scalar> {
        let buffer = Buffer<Scalar>(repeating: 0, count: weights.count)
        for (index, weight) in weights.enumerated() { buffer.pointer[index] = Scalar(weight) }
        return buffer
    }

    func write(to root: Group) throws {
        let group = try root.createGroup("feedback")
        try group.setAttribute("model", URL(fileURLWithPath: path).lastPathComponent)
        try group.setAttribute("checksum", checksum)
    }
}

extension CoarseLevel {
    /// Numbers that describe a cell of the level to a network of confidence.
    public var featureCount: Int { model.featureCount }

    /// The columns of a model's input: the codes and, where a step of the level has several of the cells', 1 in the column
    /// of the one that comes next.
    var columns: Int { codes + (steps > 1 ? steps : 0) }

    /// Throws unless the level can run with a model of cells on a grid.
    ///
    /// - Throws: `SAGESnetError.unsuitableData`, `SAGESnetError.badGrid`.
    func require(components: Int, stride: GridModel.Stride, cells: Extent3, of file: String) throws {
        func unsuitable(_ reason: String) -> SAGESnetError { .unsuitableData(file: path, reason: reason) }
        guard model.configuration.components == components else {
            throw unsuitable("its cells hold \(model.configuration.components) numbers, not \(components) (model.components)")
        }
        guard model.normalization.stride == stride else {
            throw unsuitable("its frames are \(model.normalization.stride.steps) steps apart, those of \(file) \(stride.steps)")
        }
        for axis in 0..<3 where cells[axis] % factors[axis] != 0 {
            throw SAGESnetError.badGrid(
                "\(cells[axis]) cells along \(["z", "y", "x"][axis]) are no whole cells of the coarse level of \(factors[axis]) "
                    + "(\(file), model.feedback)")
        }
    }
}
