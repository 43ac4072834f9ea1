import Grid
import MPI
import Tensor

/// Exchange of a dense field's halo: bytes that a rank sends, for cuts along each axis, beside the rate at which memory
/// is copied; and the latency of a short message.
enum HaloBenchmark: Benchmark {
    static let name = "halo"
    static let summary = "halo exchange of a dense grid, per rank"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        try report(latency(on: communicator))
        for (side, channels) in [(16, 32), (32, 8), (32, 32), (32, 64), (64, 32)] {
            // Weak: each rank has side^3 cells; cut along one axis, so that its faces alone are sent.
            for (axis, name) in [(0, "z"), (1, "y"), (2, "x")] {
                for width in 1...(axis == 0 ? 2 : 1) {
                    var (cells, parts) = (Extent3(repeating: side), Extent3(repeating: 1))
                    cells[axis] *= communicator.size
                    parts[axis] = communicator.size
                    let decomposition = try Decomposition(
                        cells: cells, boundaries: .periodic, haloWidth: width, ranks: communicator.size, parts: parts)
                    let traffic = HaloTraffic(
                        decomposition, rank: communicator.rank, bytesPerCell: 4 * channels)
                    let field = GridField<Float>(decomposition, rank: communicator.rank, channels: channels)
                    let exchange = try HaloExchange<Float>(
                        decomposition, communicator: communicator, channels: channels, adjoint: false)
                    // A rank alone only copies; its rate is that of the same bytes.
                    let bytes = communicator.size > 1 ? traffic.bytes : 2 * width * side * side * 4 * channels
                    try report(
                        try Measurement(
                            "\(side)^3 cells of \(channels) floats a rank, \(name) faces, width \(width)", unit: "GB/s",
                            work: 1e-9 * Double(bytes), peak: memoryCopyPeak(bytes: bytes, on: communicator),
                            on: communicator
                        ) { try exchange.exchange(field) })
                }
            }
        }
    }

    /// Eight bytes to the next rank and from the one before.
    private static func latency(on communicator: Communicator) throws -> Measurement {
        let size = communicator.size
        let exchange = try PersistentExchange(
            communicator: communicator, sends: [.init(rank: (communicator.rank + 1) % size, tag: 0, byteCount: 8)],
            receives: [.init(rank: (communicator.rank + size - 1) % size, tag: 0, byteCount: 8)])
        return try Measurement("8 bytes to the next rank", unit: "1/s", work: 1, on: communicator) {
            try exchange.start()
            try exchange.wait()
        }
    }
}
