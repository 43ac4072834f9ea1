import Diagnostics
import Foundation
import MPI
import Training

private struct Fault: SAGESError {
    let description: String
    let exitStatus: ExitStatus
}

/// Fails in one of several ways; Tests/mpi-faults.sh holds the expectations.
func provokeFault(_ kind: String, world: Communicator) throws -> ExitStatus {
    let last = world.size - 1
    switch kind {
    case "none":
        try world.barrier()
    case "status":
        return .resumable
    case "same-everywhere":
        throw Fault(description: "file.h5 is missing", exitStatus: .noInput)
    case "one-rank-others-wait":
        if world.rank == last { throw Fault(description: "disk is full", exitStatus: .io) }
        try world.barrier()
    case "one-rank-others-done":
        if world.rank == last { throw Fault(description: "disk is full", exitStatus: .io) }
    case "one-rank-others-busy":
        if world.rank == last { throw Fault(description: "disk is full", exitStatus: .io) }
        sleep(60)
    case "each-rank-differs":
        throw Fault(description: "trouble \(world.rank)", exitStatus: .data)
    case "agreed":
        try world.agree {
            if world.rank == last { throw Fault(description: "frame 3 is truncated", exitStatus: .data) }
        }
    case "in-flight":
        // An error between the start and the end of a non-blocking exchange.
        let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: 100_000)
        buffer.initialize(repeating: 0)
        defer { buffer.deallocate() }
        let request = try world.startReceive(buffer, from: world.rank, tag: 1)
        if world.rank == last { throw Fault(description: "disk is full", exitStatus: .io) }
        try request.wait()
    case "training-fill":
        // A sample that cannot be read, in the midst of a training: the others wait in a reduction.
        let task = RegressionTask()
        task.beforeFill = { draws, _ in
            if draws.contains(where: { $0.epoch == 2 }) && world.rank == last {
                throw Fault(description: "frame 3 is truncated", exitStatus: .data)
            }
        }
        let configuration = TrainingConfiguration(length: .steps(1000), globalBatch: 8, microBatch: 1)
        _ = try Trainer(task: task, configuration: configuration, communicator: world).run()
    case "training-not-finite":
        let task = RegressionTask()
        task.targetScale = { $0.sample == 3 ? .nan : 1 }
        let configuration = TrainingConfiguration(length: .steps(1000), globalBatch: 23, microBatch: 23)
        _ = try Trainer(task: task, configuration: configuration, communicator: world).run()
    case "exit":
        if world.rank == last { exit(3) }
        try world.barrier()
    case "killed":
        if world.rank == last { kill(getpid(), SIGKILL) }
        try world.barrier()
    case "timeout":
        let hang = DistributedTest("hang", ranks: [world.size], timeout: 0.5) { communicator in
            if communicator.rank == 0 {
                sleep(60)
            } else {
                try communicator.barrier()
            }
        }
        try Harness.run([hang], filter: nil, world: world)
    case "expectation":
        let failing = DistributedTest("failing", ranks: [world.size]) { communicator in
            try expect(communicator.rank != communicator.size - 1, "the last rank fails")
            try communicator.barrier()
        }
        try Harness.run([failing], filter: nil, world: world)
    default:
        throw Fault(description: "no fault is called \(kind)", exitStatus: .usage)
    }
    return .success
}
