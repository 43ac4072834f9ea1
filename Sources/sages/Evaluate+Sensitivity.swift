import Diagnostics
import Grid
import HDF5
import MPI
import SAGESnet
import Trajectory

/// `sages evaluate --sensitivity`.
extension Evaluate {
    /// Of an observable of atoms. Collective.
    func differentiateAtoms(_ request: SensitivityRequest, _ communicator: Communicator) throws {
        let begin = MPIEnvironment.wallTime()
        let (model, parameters, _, _) = try SAGESnetModel.load(self.model, as: Double.self, communicator: communicator)
        let (observable, selection) = try request.ofAtoms
        let run = try communicator.agree { try AtomRun(data, for: model.configuration) }
        let start = try SimulationStart(data, frame: frame, for: model, communicator: communicator)
        let simulator = try Simulator<Double>(
            model: model, parameters: parameters, start: start, communicator: communicator,
            environment: Dictionary(uniqueKeysWithValues: zip(model.configuration.environment, run.environment)),
            alignment: run.alignment, differentiatesKicks: true)
        let question = RolloutSensitivity.Question(observable, of: selection, steps: request.steps)
        let progress = ProgressReport("sensitivity", unit: "steps", of: request.steps)
        let sensitivity = try RolloutSensitivity(of: question, simulator, start, progress: { progress.advance(to: $0) })
        progress.finish()
        let error = request.isChecked
            ? try sensitivity.errorAgainstPerturbations(question, simulator, start) : nil
        if let output = request.output {
            try communicator.agree {
                guard communicator.rank == 0 else { return }
                try write(sensitivity, observable, start, to: output)
            }
        }
        if communicator.rank == 0 {
            report(
                request, unit: observable.unit, value: sensitivity.value,
                norms: [("position", sensitivity.gradient.position), ("velocity", sensitivity.gradient.velocity)].map {
                    (name: $0.0, value: $0.1.reduce(0) { $0 + ($1 * $1).sum() }.squareRoot())
                },
                members: [
                    "atoms": .integer(sensitivity.atoms.count), "selected_atoms": .integer(sensitivity.selectedCount),
                    "most_sensitive_atom": .integer(Int(mostSensitive(sensitivity))),
                ], error: error, seconds: MPIEnvironment.wallTime() - begin)
        }
        try request.requireAgreement(error)
    }

    /// The id of the atom with the greatest derivative by its position.
    private func mostSensitive(_ sensitivity: RolloutSensitivity) -> Int64 {
        let squares = sensitivity.gradient.position.map { ($0 * $0).sum() }
        let index = squares.indices.max { squares[$0] < squares[$1] }
        return index.map { sensitivity.atoms[$0].id } ?? 0
    }

    /// The atoms at the start with their derivatives. Rank 0 alone.
    private func write(
        _ sensitivity: RolloutSensitivity, _ observable: AtomObservable, _ start: SimulationStart, to path: String
    ) throws {
        let parts = [
            (name: "sensitivity", unit: "\(observable.unit) Angstrom-1", values: sensitivity.gradient.position),
            (name: "sensitivity_velocity", unit: "\(observable.unit) Angstrom-1 ps", values: sensitivity.gradient.velocity),
        ]
        var quantities: [H5MDOptions.Quantity] = []
        var scalars: [[Double]] = []
        for part in parts {
            quantities.append(.init(name: part.name, unit: part.unit))
            scalars.append(part.values.map { ($0 * $0).sum().squareRoot() })
            for axis in 0..<3 {
                quantities.append(.init(name: "\(part.name)_\(["x", "y", "z"][axis])", unit: part.unit))
                scalars.append(part.values.map { $0[axis] })
            }
        }
        let writer = try H5MDWriter.create(
            path, communicator: nil, atomCount: sensitivity.atoms.count, species: start.species, box: start.box,
            options: H5MDOptions(precision: .float64, scalars: quantities, creatorVersion: BuildInformation.version))
        var frame = AtomFrame()
        frame.box = start.box
        for atom in sensitivity.atoms {
            frame.ids.append(atom.id)
            frame.species.append(atom.species)
            for axis in 0..<3 {
                frame.positions.append(atom.position[axis])
                frame.velocities.append(atom.velocity[axis])
            }
        }
        try LocalAtoms.with(frame, scalars: scalars) {
            try writer.append($0, step: start.step, time: start.time, box: start.box)
        }
        try writer.close()
    }

    /// Of the population of a grid's region. Collective.
    func differentiateGrid(_ request: SensitivityRequest, _ communicator: Communicator) throws {
        let begin = MPIEnvironment.wallTime()
        let (model, parameters, _, _) = try GridModel.load(self.model, as: Double.self, communicator: communicator)
        let start = try GridSimulationStart(data, frame: frame, for: model, communicator: communicator)
        let source = start.source
        let question = GridSensitivity.Question(region: try request.ofCells, steps: request.steps, frame: start.frame)
        let (sensitivity, error) = try GridSensitivity.run(
            question, model, parameters: parameters, source: source, communicator: communicator,
            isChecked: request.isChecked)
        if let output = request.output {
            try source.writeField(sensitivity.gradient, sensitivity.range, frame: start.frame, to: output, communicator)
        }
        let norm = try sensitivity.norm(communicator)
        if communicator.rank == 0 {
            let cells = source.cells
            report(
                request, unit: "cells", value: sensitivity.value, norms: [(name: "cell", value: norm)],
                members: ["cells": [.integer(cells.z), .integer(cells.y), .integer(cells.x)]], error: error,
                seconds: MPIEnvironment.wallTime() - begin)
        }
        try request.requireAgreement(error)
    }

    private func report(
        _ request: SensitivityRequest, unit: String, value: Double, norms: [(name: String, value: Double)],
        members: JSONValue.Members, error: Double?, seconds: Double
    ) {
        guard isJSON else {
            var lines = ["\(request.observable) after \(request.steps) steps from frame \(frame): \(Digits.three(value)) \(unit)"]
            for (name, value) in norms { lines.append("norm of its derivatives by \(name): \(Digits.three(value))") }
            if let error { lines.append("largest difference from finite perturbations: \(Digits.three(error)) of the greatest") }
            if let output = request.output { lines.append(output) }
            return print(lines.joined(separator: "\n"))
        }
        var result: JSONValue.Members = [
            "kind": "sensitivity", "model": .string(model), "data": .string(data),
            "observable": .string(request.observable), "unit": .string(unit), "value": .number(value),
            "steps": .integer(request.steps), "frame": .integer(frame),
        ]
        for (name, value) in norms { result["\(name)_norm"] = .number(value) }
        for (name, value) in zip(members.names, members.values) { result[name] = value }
        result["check_error"] = error.map { .number($0) } ?? .null
        result["file"] = request.output.map { .string($0) } ?? .null
        result["seconds"] = .number(seconds)
        print(JSONValue.object(result).text)
    }
}
