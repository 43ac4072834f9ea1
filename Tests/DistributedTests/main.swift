import Diagnostics
import MPI

// Usage: mpirun -n P distributed-tests [--filter PART_OF_NAME] | --list | --fault KIND | --train FOLDER
//
// --fault breaks some ranks on purpose; Tests/mpi-faults.sh checks how the job ends.
// --train trains slowly, resumes if it can, and prints a fingerprint; Tests/training-kill.sh kills it.

let tests: [DistributedTest] = mpiTests + gridHaloTests + gridOccupiedTests + gridMigrationTests
    + trajectoryTests + trainingTests + trainingResumeTests + sagesnetSimulatorTests + sagesnetStepTests
    + forceTests + patternTests + confidenceTests + sagesnetTrainingTests + evaluationTests + trafficTests
    + automatonTests + levelTests + feedbackTests

struct UsageError: SAGESError {
    let description: String
    var exitStatus: ExitStatus { .usage }
}

let arguments = Array(CommandLine.arguments.dropFirst())

MPIEnvironment.run { world in
    switch arguments.first {
    case nil:
        try Harness.run(tests, filter: nil, world: world)
    case "--filter" where arguments.count == 2:
        try Harness.run(tests, filter: arguments[1], world: world)
    case "--list" where arguments.count == 1:
        if world.rank == 0 { for test in tests { print(test.name, test.ranks.sorted()) } }
    case "--fault" where arguments.count == 2:
        return try provokeFault(arguments[1], world: world)
    case "--train" where arguments.count == 2:
        return try trainSlowly(in: arguments[1], world: world)
    default:
        throw UsageError(description: "distributed-tests [--filter PART_OF_NAME] | --list | --fault KIND | --train FOLDER")
    }
    return .success
}
