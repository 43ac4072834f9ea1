import Diagnostics
import Foundation
import Grid
import HDF5
import MPI
import SAGESnet
import Tensor
import Training
import Trajectory

/// `sages simulate`: a trained model rolled out over ranks.
struct Simulate: Verb {
    static let specification = VerbSpecification.simulate

    let model: String
    let input: String
    let frame: Int
    let steps: Int
    let output: String
    let every: Int
    let precision: H5MDOptions.Precision?
    let deflate: Int?
    let flushInterval: Double
    let restartInterval: Double
    let writers: Int?
    let parts: Extent3?
    let boundaries: Boundaries?
    let replicate: SIMD3<Int>
    let environment: [EnvironmentVariable: Double]
    let forces: [AppliedForce]
    /// The file of a network of confidence.
    let confidence: String?
    /// A coarse level's file.
    let coarse: String?
    let tolerance: Double?
    let resumes: Bool
    let threads: Int
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        model = arguments.positionals[0]
        input = try arguments.requiredText("input")
        frame = try arguments.requiredNumber("frame")
        steps = try arguments.requiredNumber("steps", in: .atLeast(0))
        output = try arguments.requiredText("out")
        every = try arguments.requiredNumber("every", in: .atLeast(1))
        precision = arguments.text("precision").flatMap { H5MDOptions.Precision(rawValue: $0) }
        deflate = try arguments.number("deflate", in: .between(1, 9))
        flushInterval = try arguments.requiredNumber("flush", in: .atLeast(0))
        restartInterval = try arguments.requiredNumber("restart", in: .atLeast(0))
        writers = try arguments.number("writers", in: .atLeast(1))
        parts = try arguments.extents("decomposition").map { Extent3(z: $0.z, y: $0.y, x: $0.x) }
        boundaries = try arguments.text("boundary").map { try Boundaries(parsing: $0) }
        replicate = try arguments.extents("replicate").map { SIMD3($0.x, $0.y, $0.z) } ?? SIMD3(1, 1, 1)
        environment = try arguments.environment()
        forces = try arguments.all("force").map { try AppliedForce(parsing: $0) }
        confidence = arguments.text("confidence")
        coarse = arguments.text("coarse")
        tolerance = try arguments.number("tolerance", in: .between(0, 1))
        resumes = arguments.isGiven("resume")
        threads = try arguments.threads()
        isJSON = arguments.isGiven("json")
        guard (coarse == nil) == (tolerance == nil), coarse == nil || confidence != nil else {
            throw arguments.fault(
                "--coarse LEVEL.h5, --confidence of that level and --tolerance together choose a level for each region")
        }
        guard input != output else { throw arguments.fault("--out \(output) is the input; it would be overwritten") }
    }

    func run(_ communicator: Communicator) throws -> ExitStatus {
        JobSignals.install()
        switch try ModelConfiguration.load(model, communicator: communicator) {
        case .sagesnet, .confidence: return try runAtoms(communicator)
        case .grid: return try runGrid(communicator)
        case .level: return try runLevel(communicator)
        }
    }

    private func runAtoms(_ communicator: Communicator) throws -> ExitStatus {
        guard coarse == nil else {
            throw SAGESnetError.badRequest("--coarse is for a grid's cells, and \(model) is a model of atoms")
        }
        let (model, parameters, configuration, text) = try SAGESnetModel.load(
            self.model, as: Float.self, communicator: communicator)
        let first = try SimulationStart(
            input, frame: frame, for: model, boundaries: boundaries, replicate: replicate, communicator: communicator)
        // What is behind the last whole state is done again.
        let resumed = resumes
            ? try SimulationStart(resuming: output, of: first, for: model, communicator: communicator) : nil
        let done = resumed?.completedSteps ?? 0
        guard done <= steps else {
            throw SAGESnetError.unsuitableData(
                file: output, reason: "it holds \(done) steps already, more than the \(steps) of this run")
        }
        // Restarts keep the environment of the first start.
        var environment = environment
        if model.configuration.environment.contains(.temperature), environment[.temperature] == nil {
            environment[.temperature] = try first.temperature(communicator)
        }
        let simulator = try Simulator<Float>(
            model: model, parameters: parameters, start: resumed ?? first, communicator: communicator, parts: parts,
            environment: environment, alignment: try first.alignment(for: model, communicator))
        for force in forces { try simulator.apply(force) }
        for variable in simulator.unfamiliarEnvironment {
            Message.note(
                "the model was trained at a \(variable.name) of \(Digits.three(variable.mean)) ± "
                    + "\(Digits.three(variable.spread)); it knows nothing of \(Digits.three(variable.value))")
        }
        // The state of an earlier run is none of a new one.
        if resumed == nil { try SimulationRestart.remove(beside: output, communicator: communicator) }
        let observer = try confidence.map { path in
            ConfidenceObserver(
                try TrainedConfidence(
                    path, of: try ConfidenceSubject(self.model, communicator: communicator),
                    featureCount: model.surroundingsCount, communicator: communicator), simulator)
        }
        let writer = resumed != nil
            ? try append(keeping: resumed?.completedFrames, observer, communicator)
            : try SimulationOutput<Float>(
                creating: output, atomCount: first.atomCount, species: first.species, box: first.box,
                provenance: provenance(text, configuration.training.seed, first), precision: precision ?? .float64,
                deflate: deflate, flushInterval: flushInterval, writers: writers, confidence: observer,
                communicator: communicator)
        do {
            return try simulate(
                simulator, writer, resumed, provenance(text, configuration.training.seed, first), communicator)
        } catch let error where !(error is MPIError) {
            // All ranks are here: the frames so far are worth keeping, and the error is the cause, whatever follows it.
            try? writer.close()
            throw error
        }
    }

    /// Advances and writes until all steps are done or a signal comes.
    private func simulate(
        _ simulator: Simulator<Float>, _ writer: SimulationOutput<Float>, _ resumed: SimulationStart?,
        _ provenance: SimulationProvenance, _ communicator: Communicator
    ) throws -> ExitStatus {
        let done = simulator.step
        func isDue(_ step: Int) -> Bool { step % every == 0 || step == steps }
        func keepState() throws {
            try SimulationRestart.write(simulator, beside: writer, provenance: provenance, communicator: communicator)
        }
        if resumed.map({ $0.isBetweenFrames && isDue(done) }) ?? true { try writer.write(simulator) }
        // A frame in single precision is no state: without one beside it, nothing could go on from it.
        let needsState = writer.precision == .float32
        if needsState && resumed == nil { try keepState() }
        var schedule = RestartSchedule(interval: restartInterval, step: done)

        let progress = ProgressReport("simulation", unit: "steps", from: done, of: steps)
        let begin = MPIEnvironment.wallTime()
        var isInterrupted = false
        while simulator.step < steps && !isInterrupted {
            // One rank's signal stops all, at the same step.
            isInterrupted = try simulator.advance(request: JobSignals.received != nil) && simulator.step < steps
            try writer.proceed()
            if isDue(simulator.step) { try writer.write(simulator) }
            if try schedule.isDue(simulator.step, communicator), simulator.step < steps && !isInterrupted {
                try keepState()
                schedule.restart(at: simulator.step)
            }
            progress.advance(to: simulator.step)
        }
        progress.finish()
        // The last frame of a whole run is its state, unless it is in single precision: then more steps can be added, too.
        if isInterrupted || needsState { try keepState() }
        try writer.close()
        let seconds = MPIEnvironment.wallTime() - begin
        if !isInterrupted && !needsState { try SimulationRestart.remove(beside: output, communicator: communicator) }
        if isInterrupted {
            Message.note("stopped after \(simulator.step) of \(steps) steps; go on with --resume")
            return .resumable
        }
        let temperature = try simulator.temperature()
        if communicator.rank == 0 { report(simulator, done, temperature, seconds, communicator) }
        return .success
    }

    /// The output of the interrupted run, which goes on as it began.
    private func append(
        keeping frames: Int?, _ observer: ConfidenceObserver<Float>?, _ communicator: Communicator
    ) throws -> SimulationOutput<Float> {
        let writer = try SimulationOutput<Float>(
            appendingTo: output, keeping: frames, flushInterval: flushInterval, writers: writers, confidence: observer,
            communicator: communicator)
        func refuse(_ what: String) -> SAGESnetError { .badRequest("\(output) was begun \(what): resume it so") }
        if let precision, precision != writer.precision { throw refuse("with --precision \(writer.precision)") }
        if let deflate, deflate != writer.deflate {
            throw refuse(writer.deflate.map { "with --deflate \($0)" } ?? "without --deflate")
        }
        // Impulses go on to be added up.
        let provenance = try writer.file.root.group("provenance")
        let begun = provenance.hasAttribute("forces") ? try provenance.stringAttribute("forces") : ""
        guard begun == forcesText else {
            throw refuse(begun.isEmpty ? "without --force" : "with " + begun.split(separator: " ").map { "--force \($0)" }
                .joined(separator: " "))
        }
        return writer
    }

    /// All forces, as they were given.
    private var forcesText: String { forces.map(\.text).joined(separator: " ") }

    private func provenance(_ configuration: String, _ seed: UInt64, _ start: SimulationStart) -> SimulationProvenance {
        var settings = [(name: "replicate", value: "\(replicate.x)x\(replicate.y)x\(replicate.z)")]
        if let confidence {
            settings.append((name: "confidence", value: confidence.split(separator: "/").last.map(String.init) ?? confidence))
        }
        for (variable, value) in environment.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            settings.append((name: variable.rawValue, value: "\(value)"))
        }
        if !forces.isEmpty { settings.append((name: "forces", value: forcesText)) }
        return SimulationProvenance(
            program: "sages simulate", model: model, configuration: configuration, seed: seed, start: start,
            settings: settings)
    }

    private func report(
        _ simulator: Simulator<Float>, _ done: Int, _ temperature: Double, _ seconds: Double,
        _ communicator: Communicator
    ) {
        let cells = simulator.grid.cells
        let steps = simulator.step - done
        let picoseconds = Double(steps) * simulator.model.normalization.timeStep
        if isJSON {
            let result: JSONValue = [
                "kind": "simulation", "file": .string(output), "atoms": .integer(simulator.atomCount),
                "steps": .integer(steps), "picoseconds": .number(picoseconds),
                "cells": [.integer(cells.z), .integer(cells.y), .integer(cells.x)],
                "ranks": .integer(communicator.size), "active_ranks": .integer(simulator.decomposition.activeRanks),
                "temperature_K": .number(temperature), "seconds": .number(seconds),
                "largest_velocity_correction": .number(simulator.conservation.largestVelocityCorrection),
                "largest_displacement_correction": .number(simulator.conservation.largestDisplacementCorrection),
                "impulse": .array((0..<3).map { .number(simulator.conservation.impulse[$0]) }),
            ]
            print(result.text)
        } else {
            print(
                "\(output): \(simulator.atomCount) atoms, \(steps) steps (\(Digits.three(picoseconds)) ps) in "
                    + "\(Digits.three(seconds)) s on \(simulator.decomposition.activeRanks) of \(communicator.size) ranks, "
                    + "grid \(cells), at the end \(Digits.three(temperature)) K")
        }
    }
}
