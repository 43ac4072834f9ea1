import Diagnostics
import Foundation
import HDF5
import MPI
import NeuralNetworks
import Tensor
@testable import Training

private let fewRanks: Set<Int> = [1, 2, 3, 4]
private let kind = "regression"

private func configuration(
    steps: Int = 40, checkpointEvery: Int = 6, optimizer: Optimizer = .adam
) -> TrainingConfiguration {
    TrainingConfiguration(
        length: .steps(steps), globalBatch: 9, microBatch: 1, optimizer: optimizer, schedule: Schedule(peak: 0.02, warmup: 5),
        averaging: 0.9, seed: 4, validation: ValidationConfiguration(every: 5), checkpointEvery: checkpointEvery,
        logEvery: 3)
}

private func output(_ folder: String, steps: Int = 40, seed: Int = 4, kind: String = kind) -> TrainingOutput {
    TrainingOutput(
        path: folder + "/model.h5", kind: kind,
        configuration: "{\"training\": {\"seed\": \(seed), \"steps\": \(steps)}}\n")
}

/// The weights in a model file, by the reader that everybody uses.
private func weights(_ path: String, _ communicator: Communicator) throws -> [Float] {
    let (_, arena) = try ModelFile.load(path, kind: kind, as: Float.self, communicator: communicator) { _, _ in
        ((), RegressionTask().layout)
    }
    return Array(arena.span)
}

/// All numbers of the last checkpoint's optimizer, by name.
private func state(_ folder: String, optimizer: Optimizer) throws -> [String: [Double]] {
    let group = try ModelFile.open(folder + "/model.h5.previous", kind: kind).root.group("optimizer")
    let names = try group.memberNames
    let matrices = optimizer == .adam ? [] : ["bases", "statistics"]
    let expected = (["average", "best", "moment0", "moment1", "scaleExponents", "weights"] + matrices).sorted()
    try expect(names == expected, "\(names)")
    return try Dictionary(uniqueKeysWithValues: names.map { ($0, try group.dataset($0).read(Double.self)) })
}

/// Collective.
private func makeFolder(_ path: String, _ communicator: Communicator) throws {
    if communicator.rank == 0 { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    try communicator.barrier()
}

/// Trains in a folder, on the first `size` ranks; a signal is raised on one of them while epoch `interruptedIn` goes on.
@discardableResult
private func train(
    _ folder: String, on size: Int, of communicator: Communicator, steps: Int = 40, resuming: Bool = false,
    interruptedIn epoch: Int? = nil, signal number: Int32 = SIGUSR1, optimizer: Optimizer = .adam
) throws -> TrainingOutcome? {
    JobSignals.install()
    defer {
        JobSignals.clear()
        JobSignals.uninstall()
    }
    return try onFirst(size, of: communicator) { part in
        let task = RegressionTask()
        if let epoch {
            // One rank alone draws sample 3.
            task.beforeFill = { draws, purpose in
                if purpose == .training && draws.contains(SampleDraw(sample: 3, epoch: epoch)) { raise(number) }
            }
        }
        let trainer = try Trainer(
            task: task, configuration: configuration(steps: steps, optimizer: optimizer), communicator: part,
            output: output(folder, steps: steps), bucketElements: 40)
        return try trainer.run(resuming: resuming)
    }
}

/// Rows of the metrics without the columns that are times.
private func metrics(_ folder: String) throws -> [[Substring]] {
    try String(contentsOfFile: folder + "/model.metrics.csv", encoding: .utf8).split(separator: "\n")
        .map { $0.split(separator: ",", omittingEmptySubsequences: false).dropLast(2) }
}

/// The error of `body`: its own on the rank where it happened, a `RemoteRankError` on the others.
private func failure(_ body: () throws -> Void) throws -> any SAGESError {
    do {
        try body()
    } catch let error as any SAGESError {
        return error
    }
    throw ExpectationFailure(description: "no error was thrown")
}

private func flipByte(_ path: String, at place: Double) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[Int(Double(bytes.count - 1) * place)] ^= 0x40
    try bytes.write(to: URL(fileURLWithPath: path))
}

/// A training to be killed: goes on from what it finds in the folder, and prints a fingerprint of the weights.
func trainSlowly(in folder: String, world: Communicator) throws -> ExitStatus {
    JobSignals.install()
    let task = RegressionTask()
    task.beforeFill = { _, _ in usleep(1000) }
    let trainer = try Trainer(
        task: task, configuration: configuration(steps: 60, checkpointEvery: 1), communicator: world,
        output: output(folder, steps: 60))
    let outcome = try trainer.run(resuming: true)
    let weights = try weights(folder + "/model.h5", world)
    var checksum = Checksum()
    for weight in weights { checksum.add(Double(weight)) }
    if world.rank == 0 && outcome == .finished { print("weights \(checksum.value)") }
    return outcome.exitStatus
}

/// A training that signals interrupt twice, on changing numbers of ranks, against one that nothing interrupts.
private func expectResumedToEqualUninterrupted(_ communicator: Communicator, _ optimizer: Optimizer) throws {
    try withFolder(communicator) { folder in
        let whole = folder + "/whole"
        try makeFolder(whole, communicator)
        let all = communicator.size
        try expect(try train(whole, on: all, of: communicator, optimizer: optimizer) == .finished, "not finished")
        let expected = try weights(whole + "/model.h5", communicator)
        for (index, (first, second)) in [(all, 1), (1, all), (max(1, all - 1), all)].enumerated() {
            let part = folder + "/\(index)"
            try makeFolder(part, communicator)
            for (signal, ranks, epoch) in [(SIGUSR1, first, 3), (SIGTERM, second, 9)] {
                let outcome = try train(
                    part, on: ranks, of: communicator, resuming: true, interruptedIn: epoch, signal: signal,
                    optimizer: optimizer)
                try expect(outcome == nil || outcome == .interrupted, "\(String(describing: outcome))")
                try expect((outcome?.exitStatus ?? .resumable) == .resumable, "exit status")
            }
            let outcome = try train(part, on: second, of: communicator, resuming: true, optimizer: optimizer)
            try expect(outcome == nil || outcome == .finished, "\(String(describing: outcome))")
            let resumed = try weights(part + "/model.h5", communicator)
            try expect(resumed == expected, "weights, \(first) then \(second)")
            try expect(
                try state(part, optimizer: optimizer) == state(whole, optimizer: optimizer),
                "optimizer's state, \(first) then \(second)")
            try expect(try metrics(part) == metrics(whole), "metrics, \(first) then \(second)")
        }
    }
}

let trainingResumeTests: [DistributedTest] = [
    DistributedTest("training.resume.afterSignal", ranks: fewRanks, timeout: 120) { communicator in
        try expectResumedToEqualUninterrupted(communicator, .adam)
    },
    DistributedTest("training.resume.soap", ranks: fewRanks, timeout: 120) { communicator in
        // Interrupted before, at and after steps that find new bases.
        for every in [1, 4] {
            try expectResumedToEqualUninterrupted(communicator, .soap(SOAP(preconditionEvery: every)))
        }
    },
    DistributedTest("training.resume.finishedModel", ranks: [1, 2]) { communicator in
        try withFolder(communicator) { folder in
            let ranks = communicator.size
            try train(folder, on: ranks, of: communicator, steps: 20)
            let path = folder + "/model.h5"
            let model = try ModelFile.open(path, kind: kind)
            try expect(!model.isCheckpoint, "a finished model has an optimizer's state")
            try expect(try model.step == 20, "step")
            try expect(model.configuration.contains("\"seed\": 4"), "configuration: \(model.configuration)")
            try expect(try model.root.group("normalization").attribute("factor", as: Double.self) == [2.5], "task's data")
            try expect(try model.root.group("provenance").attribute("ranks", as: Int.self) == [ranks], "provenance")
            try expect(try ModelFile.open(path + ".previous").isCheckpoint, "the last checkpoint is not kept")
            try communicator.barrier()
            // Nothing left to do; then more steps are asked for.
            let before = try weights(path, communicator)
            try expect(try train(folder, on: ranks, of: communicator, steps: 20, resuming: true) == .finished, "again")
            try expect(try weights(path, communicator) == before, "a finished model changed")
            try expect(try train(folder, on: ranks, of: communicator, steps: 30, resuming: true) == .finished, "longer")
            try expect(try ModelFile.open(path).step == 30, "not prolonged")
            try communicator.barrier()
            if communicator.rank == 0 { try FileManager.default.removeItem(atPath: path + ".previous") }
            try communicator.barrier()
            let error = try failure { try train(folder, on: ranks, of: communicator, steps: 50, resuming: true) }
            try expect(error.exitStatus == .usage && "\(error)".contains("finished after 30 steps"), "\(error)")
        }
    },
    DistributedTest("training.resume.damagedCheckpoint", ranks: [1, 3], timeout: 120) { communicator in
        try withFolder(communicator) { folder in
            let ranks = communicator.size
            let path = folder + "/model.h5"
            try train(folder, on: ranks, of: communicator)
            let expected = try weights(path, communicator)
            // Truncated, emptied, or with a byte changed somewhere: the checkpoint before is as good.
            for damage in 0..<8 {
                try train(folder, on: ranks, of: communicator, interruptedIn: 8)
                if communicator.rank == 0 {
                    switch damage {
                    case 0: truncate(path, 0)
                    case 1: truncate(path, 3000)
                    case 2: try FileManager.default.removeItem(atPath: path)
                    default: try flipByte(path, at: 0.55 + 0.05 * Double(damage))
                    }
                }
                try communicator.barrier()
                try expect(try train(folder, on: ranks, of: communicator, resuming: true) == .finished, "\(damage)")
                try expect(try weights(path, communicator) == expected, "weights after damage \(damage)")
            }
            try train(folder, on: ranks, of: communicator, interruptedIn: 8)
            if communicator.rank == 0 { for file in [path, path + ".previous"] { truncate(file, 1000) } }
            try communicator.barrier()
            let error = try failure { try train(folder, on: ranks, of: communicator, resuming: true) }
            try expect(error.exitStatus == .data && "\(error)".contains("model.h5"), "\(error)")
        }
    },
    DistributedTest("training.resume.otherConfigurationOrKind", ranks: [1, 3]) { communicator in
        try withFolder(communicator) { folder in
            try train(folder, on: communicator.size, of: communicator, interruptedIn: 3)
            func resume(_ output: TrainingOutput) throws -> any SAGESError {
                let trainer = try Trainer(
                    task: RegressionTask(), configuration: configuration(), communicator: communicator, output: output)
                return try failure { _ = try trainer.run(resuming: true) }
            }
            let other = try resume(output(folder, seed: 5))
            try expect(other.exitStatus == .usage, "\(other)")
            try expect("\(other)".contains("training.seed = 4, not 5"), "\(other)")
            let foreign = try resume(output(folder, kind: "sagesnet"))
            try expect("\(foreign)".contains("'\(kind)', not 'sagesnet'"), "\(foreign)")
            try expect(foreign.exitStatus == .data, "\(foreign)")
        }
    },
    DistributedTest("training.model.thatDoesNotFit", ranks: [1, 2]) { communicator in
        try withFolder(communicator) { folder in
            try train(folder, on: communicator.size, of: communicator, steps: 5)
            func load(_ change: (inout ParameterLayout) -> Void) throws -> any SAGESError {
                try failure {
                    _ = try ModelFile.load(
                        folder + "/model.h5", as: Float.self, communicator: communicator) { _, _ in
                            var layout = RegressionTask().layout
                            change(&layout)
                            return ((), layout)
                        }
                }
            }
            let missing = try load { _ = $0.add("network/more", [2], .constant(0)) }
            try expect("\(missing)".contains("/parameters/network/more") && missing.exitStatus == .data, "\(missing)")
            let shape = try load { layout in
                layout = ParameterLayout()
                _ = layout.add("network/layer0/weights", [12, 2], .constant(0))
            }
            try expect("\(shape)".contains("[12, 2]") && "\(shape)".contains("[2, 12]"), "\(shape)")
            let fewer = try load { layout in
                layout = ParameterLayout()
                _ = layout.add("network/layer0/weights", [2, 12], .constant(0))
            }
            try expect(fewer.exitStatus == .data, "\(fewer)")
        }
    },
    DistributedTest("training.checkpoint.thatCannotBeWritten", ranks: fewRanks) { communicator in
        try withFolder(communicator) { folder in
            let ranks = communicator.size
            try train(folder, on: ranks, of: communicator, interruptedIn: 3)
            let before = try ModelFile.open(folder + "/model.h5").step
            try communicator.barrier()
            // A limit on the size of files does what a full disk does: writing fails on rank 0.
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            var small = limit
            small.rlim_cur = 6000
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &small)
            defer { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) }
            let error = try failure { try train(folder, on: ranks, of: communicator, resuming: true) }
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            try expect(error.exitStatus == .io, "\(error)")
            try expect(try ModelFile.open(folder + "/model.h5").step == before, "the earlier checkpoint is gone")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            try expect(!left.contains { $0.hasSuffix(".incomplete") }, "left behind: \(left)")
            try communicator.barrier()
            try expect(try train(folder, on: ranks, of: communicator, resuming: true) == .finished, "with room again")
        }
    },
    DistributedTest("training.output.inAMissingFolder", ranks: [1, 3]) { communicator in
        try withFolder(communicator) { folder in
            let trainer = try Trainer(
                task: RegressionTask(), configuration: configuration(), communicator: communicator,
                output: output(folder + "/missing"))
            let error = try failure { _ = try trainer.run() }
            try expect(error.exitStatus == .io && "\(error)".contains("missing"), "\(error)")
        }
    },
]
