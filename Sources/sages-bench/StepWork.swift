import Configuration
import Foundation
import HDF5
import MPI
import NeuralNetworks
import SAGESnet
import Tensor
import Training

/// The networks whose steps are measured.
struct StepModel: Hashable {
    enum Form: String {
        /// The base of SAGESnet: kicks from a learned energy, occupied cells. A training step is a gradient of gradients.
        case energy
        /// The paper's: increments decoded from every cell of a grid.
        case dense
        /// Kicks from the energies of atoms with their pairs, bonds and angles, as the model of carbon has them; its widths are
        /// the defaults.
        case bonds
    }

    var form = Form.energy
    var channels = 32
    static let blocks = 4
    /// A quarter of diamond's lattice constant, Angstrom.
    static let cellSide = 0.89175

    private struct Section: Configurable {
        let configuration: SAGESnetConfiguration
        init(from section: ConfigurationSection) throws { configuration = try SAGESnetConfiguration(from: section) }
    }

    func configuration() throws -> SAGESnetConfiguration {
        if form == .bonds {
            return try decode("{ predictor: \"bonds\", augmentation: false }")
        }
        let selection = form == .energy ? "cells: \"occupied\", predictor: \"energy\""
            : "cells: \"dense\", predictor: \"increment\""
        let text = "{ cell: \(Self.cellSide), channels: \(channels), blocks: \(Self.blocks), augmentation: false, "
            + "\(selection) }"
        return try decode(text)
    }

    private func decode(_ text: String) throws -> SAGESnetConfiguration {
        try ConfigurationDocument(text: text, source: "benchmark").decode(Section.self).value.configuration
    }
}

/// Training on synthetic diamond: the same samples in every step.
final class TrainingWork {
    let model: StepModel
    let trainer: Trainer<SAGESnetTask<Float>>
    private let path: String
    private let communicator: Communicator

    /// Collective.
    ///
    /// - Parameters:
    ///   - cells: conventional cells of diamond (8 atoms) along each axis of a sample.
    ///   - samples: of a step over all ranks; one for each rank if nil.
    init(_ model: StepModel, cells: Int = 5, samples: Int? = nil, communicator: Communicator) throws {
        self.model = model
        self.communicator = communicator
        let samples = samples ?? communicator.size
        path = try SyntheticDiamond.temporaryPath("train.h5", communicator)
        try SyntheticDiamond.write(path, cells: cells, frames: samples + 1, communicator: communicator)
        let task = try SAGESnetTask<Float>(try model.configuration(), training: [path], validation: [])
        trainer = try Trainer(
            task: task,
            configuration: TrainingConfiguration(
                length: .steps(1_000_000_000), globalBatch: samples, microBatch: 1,
                schedule: Schedule(peak: 1e-3, decay: .constant)),
            communicator: communicator)
    }

    deinit { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: path) } }

    func step() throws { try trainer.takeStep() }

    /// Trainable numbers.
    var parameterCount: Int { trainer.task.layout.scalarCount }

    /// Writes the weights, the units of the network, and the path of the samples, for another program that is to do the
    /// same steps. Rank 0 writes.
    func export(_ output: String) throws {
        guard communicator.rank == 0 else { return }
        let file = try File.createInMemory(output)
        let root = try file.root
        let values = trainer.parameters
        for parameter in trainer.task.layout.parameters {
            try root.writeDataset(
                "parameters/\(parameter.name)", Array(values[parameter.offset..<(parameter.offset + parameter.shape.count)]),
                shape: parameter.shape.extents)
        }
        let normalization = trainer.task.model.normalization
        for (name, value) in [
            ("offset", normalization.offset), ("velocity", normalization.velocity), ("kick", normalization.kick),
            ("displacement", normalization.displacement), ("timeStep", normalization.timeStep),
            ("cellSide", StepModel.cellSide), ("codecWeight", trainer.task.model.configuration.codecWeight),
        ] { try root.setAttribute(name, value) }
        try root.setAttribute("form", model.form.rawValue)
        try root.setAttribute("samples", path)
        try file.writeImage()
        try file.close()
    }
}

/// Simulation of synthetic diamond whose atoms rest and feel nothing, for with untrained weights they would not stay in
/// their cells for long: as much work as any other.
final class SimulationWork {
    let simulator: Simulator<Float>

    /// - Parameter cells: conventional cells of diamond (8 atoms) along each axis, for each rank. Collective.
    init(_ model: StepModel, cells: Int, communicator: Communicator) throws {
        let path = try SyntheticDiamond.temporaryPath("simulate.h5", communicator)
        defer { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: path) } }
        try SyntheticDiamond.write(path, cells: cells, frames: 3, communicator: communicator)
        let task = try SAGESnetTask<Float>(try model.configuration(), training: [path], validation: [])
        let parameters = Buffer<Float>(repeating: 0, count: task.layout.count)
        var start = try SimulationStart(
            path, for: task.model, replicate: SIMD3(1, 1, communicator.size), communicator: communicator)
        for atom in start.atoms.indices { start.atoms[atom].velocity = .zero }
        simulator = try Simulator<Float>(
            model: task.model, parameters: parameters, start: start, communicator: communicator)
    }

    func step() throws { try simulator.advance() }

    /// Cells that the network computes, over all ranks.
    var networkCells: Int {
        simulator.model.configuration.selection == .dense ? simulator.grid.cells.count : simulator.atomCount
    }
}
