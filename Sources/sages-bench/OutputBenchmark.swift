import MPI

/// Writing of trajectory frames of several sizes, as simulations write them.
enum OutputBenchmark: Benchmark {
    static let name = "io"
    static let summary = "H5MD frames: flushed one by one, and behind other work"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        for atoms in [1000, 100_000, 1_000_000] {
            let output = try OutputWork(atoms: atoms, communicator: communicator)
            let work = 1e-6 * output.bytes
            let repeats = atoms > 100_000 ? 5 : 15
            var longest = 0.0
            try report(
                try Measurement(
                    "\(atoms) atoms a frame, on the disk", unit: "MB/s", work: work, repeats: repeats, seconds: 1e-6,
                    on: communicator
                ) {
                    let begin = BenchmarkClock.wall.seconds
                    try output.writeFrame()
                    longest = max(longest, BenchmarkClock.wall.seconds - begin)
                })
            // Work that is long enough for any frame, so that what the caller waits for is not the disk.
            longest = try communicator.allReduce(longest, .maximum)
            let rates = try (0...repeats).map { _ in work / (try output.writeFrame(behindWorkOf: 2 * longest)) }
            try report(
                Measurement(
                    "\(atoms) atoms a frame, what the caller waits for behind other work", unit: "MB/s",
                    rates: rates.dropFirst().sorted()))
        }
    }
}
