import Configuration
import Diagnostics
import HDF5
import MPI
import NeuralNetworks
import Tensor

extension Trainer {
    // MARK: Writing

    /// Writes the whole state of the training; the checkpoint before stays as `<file>.previous`. Collective.
    ///
    /// - Throws: `HDF5Error` (74) on every rank if the file cannot be written; the earlier one is then untouched.
    func writeCheckpoint() throws { try write(asCheckpoint: true) }

    /// Writes the finished model in place of the last checkpoint. Collective.
    func writeModel() throws { try write(asCheckpoint: false) }

    /// Rank 0 writes: all ranks hold the same state.
    private func write(asCheckpoint: Bool) throws {
        guard let output else { return }
        try communicator.agree {
            guard communicator.rank == 0 else { return }
            let file = try File.createInMemory(output.path)
            try write(to: try file.root, output, asCheckpoint: asCheckpoint)
            try file.writeImage(keepingPrevious: true)
            try file.close()
        }
    }

    private func write(to root: Group, _ output: TrainingOutput, asCheckpoint: Bool) throws {
        try root.setAttribute("format", ModelFile.format)
        try root.setAttribute("kind", output.kind)
        try root.createStringDataset("config", bytes: output.configuration.utf8.count, shape: [])
            .writeStrings([output.configuration])
        try writeParameters(to: try root.createGroup("parameters"))
        try task.write(to: root)
        if let weights = parameters.baseAddress { try task.write(to: root, weights: weights) }
        try writeProgress(to: try root.createGroup("progress"), isFinished: !asCheckpoint)
        try writeProvenance(to: try root.createGroup("provenance"))
        if asCheckpoint { try writeOptimizer(to: try root.createGroup("optimizer")) }
    }

    private func writeParameters(to group: Group) throws {
        var checksum = Checksum()
        for parameter in task.layout.parameters {
            let values = UnsafeBufferPointer(
                rebasing: parameters[parameter.offset..<(parameter.offset + parameter.shape.count)])
            try group.createDataset(parameter.name, of: Scalar.self, shape: parameter.shape.extents).write(values)
            for value in values { checksum.add(Double(value)) }
        }
        try group.setAttribute("checksum", checksum.value)
    }

    private func writeProgress(to group: Group, isFinished: Bool) throws {
        try group.setAttribute("step", step)
        try group.setAttribute("totalSteps", totalSteps)
        try group.setAttribute("epoch", epoch)
        try group.setAttribute("position", step * configuration.globalBatch)
        try group.setAttribute("seconds", seconds)
        try group.setAttribute("isFinished", UInt8(isFinished ? 1 : 0))
        try group.setAttribute("bestLoss", earlyStop.bestLoss)
        try group.setAttribute("bestStep", earlyStop.bestStep)
        try group.setAttribute("validationsSinceBest", earlyStop.waited)
    }

    private func writeProvenance(to group: Group) throws {
        try group.setAttribute("version", BuildInformation.version)
        try group.setAttribute("commit", BuildInformation.commit ?? "unknown")
        try group.setAttribute("seed", configuration.seed)
        try group.setAttribute("ranks", provenance.ranks)
        try group.setAttribute("nodes", provenance.nodes)
        try group.setAttribute("mpi", provenance.mpiLibrary)
    }

    /// The flat arenas of the state, by name.
    private var arenas: [(name: String, arena: Buffer<Scalar>)] {
        var arenas = [("weights", weights)]
        for (index, moment) in optimizerState.moments.enumerated() { arenas.append(("moment\(index)", moment)) }
        if let average { arenas.append(("average", average)) }
        if let best { arenas.append(("best", best)) }
        return arenas
    }

    /// The rest of the optimizer's state, which is in double precision: SOAP's matrices, by name.
    private var matrices: [(name: String, arena: Buffer<Double>)] {
        [("statistics", optimizerState.statistics), ("bases", optimizerState.bases)].compactMap { name, arena in
            arena.flatMap { $0.count > 0 ? (name, $0) : nil }
        }
    }

    private func writeOptimizer(to group: Group) throws {
        var checksum = Checksum()
        func write<T: TrainingScalar>(_ arenas: [(name: String, arena: Buffer<T>)]) throws {
            for (name, arena) in arenas {
                try group.createDataset(name, of: T.self, shape: [arena.count])
                    .write(UnsafeBufferPointer(arena.span))
                checksum.add(arena.pointer, count: arena.count)
            }
        }
        try write(arenas)
        try write(matrices)
        let exponents = reducer.scaleExponents
        try group.writeDataset("scaleExponents", exponents)
        for exponent in exponents { checksum.add(Double(exponent)) }
        for number in scalarState { checksum.add(number) }
        try group.setAttribute("checksum", checksum.value)
    }

    /// The rest of the state that decides what follows, in one row.
    private var scalarState: [Double] {
        get { [Double(step), seconds, earlyStop.bestLoss, Double(earlyStop.bestStep), Double(earlyStop.waited)] }
        set {
            step = Int(newValue[0])
            seconds = newValue[1]
            earlyStop.bestLoss = newValue[2]
            earlyStop.bestStep = Int(newValue[3])
            earlyStop.waited = Int(newValue[4])
        }
    }

    // MARK: Resuming

    /// Takes over the state of the output's newest checkpoint that is whole. Collective.
    ///
    /// - Returns: how the training ended, if there is nothing left to do.
    /// - Throws: `TrainingError` and `HDF5Error`, on every rank.
    func resume() throws -> TrainingOutcome? {
        guard let output else { return nil }
        let found = try communicator.agree { communicator.rank == 0 ? try readState(output) : .nothing }
        let code = try communicator.broadcast(found.rawValue, root: 0)
        guard code != ResumePoint.nothing.rawValue else { return nil }
        scalarState = try communicator.broadcast(scalarState, root: 0)
        for (_, arena) in arenas { try communicator.broadcast(arena.span, root: 0) }
        for (_, arena) in matrices { try communicator.broadcast(arena.span, root: 0) }
        reducer.scaleExponents = try communicator.broadcast(reducer.scaleExponents, root: 0)
        guard code == ResumePoint.end.rawValue else { return nil }
        return step < totalSteps ? .stoppedEarly : .finished
    }

    /// Reads the newest file that holds what is needed, on rank 0.
    private func readState(_ output: TrainingOutput) throws -> ResumePoint {
        let candidates = [output.path, output.path + ".previous"]
        var firstFailure: (any Error)?
        for path in candidates {
            do {
                let point = try readState(path, output)
                if point == .nothing { continue }
                if point == .checkpoint {
                    if let firstFailure { Message.warning("\(firstFailure); going on from \(path) instead") }
                    Message.note("resuming from \(path) after step \(step) of \(totalSteps)")
                } else {
                    Message.note("\(path): training has finished after \(step) steps")
                }
                return point
            } catch let error as HDF5Error where error.kind == .missingFile {
                continue
            } catch let error as HDF5Error where error.kind == .malformed {
                firstFailure = firstFailure ?? error
            } catch let error as TrainingError {
                // A damaged file has a predecessor; one of another configuration or kind is a mistake.
                guard case .damagedModel = error else { throw error }
                firstFailure = firstFailure ?? error
            }
        }
        if let firstFailure { throw firstFailure }
        return .nothing
    }

    private func readState(_ path: String, _ output: TrainingOutput) throws -> ResumePoint {
        let file = try ModelFile.open(path, kind: output.kind)
        try requireSameConfiguration(file, output)
        let progress = try file.root.group("progress")
        if try file.attribute("isFinished", of: progress) as UInt8 != 0 {
            return try readFinished(file, progress, output)
        }
        guard file.isCheckpoint else {
            throw TrainingError.damagedModel(file: path, reason: "it holds neither a finished model nor a checkpoint")
        }
        let group = try file.root.group("optimizer")
        var checksum = Checksum()
        func read<T: TrainingScalar>(_ arenas: [(name: String, arena: Buffer<T>)]) throws {
            for (name, arena) in arenas {
                let dataset = try group.dataset(name)
                guard dataset.shape == [arena.count] else {
                    throw TrainingError.parameterDiffers(
                        file: path, dataset: dataset.path, expected: "shape \([arena.count])",
                        found: "shape \(dataset.shape)")
                }
                try dataset.read(into: arena.span)
                checksum.add(arena.pointer, count: arena.count)
            }
        }
        try read(arenas)
        try read(matrices)
        let exponents = try group.dataset("scaleExponents").read(Int32.self)
        guard exponents.count == task.layout.parameters.count else {
            throw TrainingError.damagedModel(file: path, reason: "/optimizer/scaleExponents has another count")
        }
        for exponent in exponents { checksum.add(Double(exponent)) }
        let scalars = [
            Double(try file.attribute("step", of: progress) as Int), try file.attribute("seconds", of: progress),
            try file.attribute("bestLoss", of: progress), Double(try file.attribute("bestStep", of: progress) as Int),
            Double(try file.attribute("validationsSinceBest", of: progress) as Int),
        ]
        for number in scalars { checksum.add(number) }
        try file.expect(checksum, of: group)
        reducer.scaleExponents = exponents
        scalarState = scalars
        try file.close()
        return .checkpoint
    }

    /// A finished model is the end, unless more steps are asked for now; then the last checkpoint is what is needed.
    private func readFinished(_ file: ModelFile, _ progress: Group, _ output: TrainingOutput) throws -> ResumePoint {
        let done: Int = try file.attribute("step", of: progress)
        let wasPlanned: Int = try file.attribute("totalSteps", of: progress)
        let stoppedEarly = done < wasPlanned
        guard done < totalSteps && !stoppedEarly else {
            try file.readParameters(task.layout, into: weights.pointer)
            for copy in [average, best] { copy?.pointer.update(from: weights.pointer, count: weights.count) }
            step = done
            earlyStop.bestLoss = try file.attribute("bestLoss", of: progress)
            return .end
        }
        guard file.path == output.path, (try? File.open(output.path + ".previous")) != nil else {
            throw TrainingError.alreadyFinished(file: output.path, steps: done)
        }
        return .nothing
    }

    private func requireSameConfiguration(_ file: ModelFile, _ output: TrainingOutput) throws {
        let stored = try ConfigurationDocument(text: file.configuration, source: "\(file.path):/config")
        let given = try ConfigurationDocument(text: output.configuration, source: "the configuration")
        if let difference = ConfigurationDifference.first(
            between: stored.root, and: given.root, ignoring: TrainingConfiguration.resumableKeys) {
            throw TrainingError.configurationDiffers(
                file: file.path, key: difference.key, stored: difference.first, given: difference.second)
        }
    }
}

/// What a file has to offer to a training that resumes.
private enum ResumePoint: Int {
    case nothing, checkpoint, end
}
