import Grid
import MPI

/// Exchange of a dense field's halo: bytes that a rank fills, from other ranks and from itself.
enum HaloBenchmark: Benchmark {
    static let name = "halo"
    static let summary = "halo exchange of a dense grid, per rank"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        for (side, channels) in [(16, 32), (32, 32), (64, 8), (64, 32)] {
            for width in 1...2 {
                // Weak: each rank has about side^3 cells.
                let cells = Extent3(z: side * communicator.size, y: side, x: side)
                let decomposition = try Decomposition(
                    cells: cells, boundaries: .periodic, haloWidth: width, ranks: communicator.size)
                let field = GridField<Float>(decomposition, rank: communicator.rank, channels: channels)
                let exchange = try HaloExchange<Float>(
                    decomposition, communicator: communicator, channels: channels, adjoint: false)
                let ghosts = field.box.padded.count - field.box.cells.count
                try report(
                    try Measurement(
                        "\(side)^3 cells of \(channels) floats a rank, width \(width)", unit: "GB/s",
                        work: 1e-9 * Double(4 * channels * ghosts), on: communicator
                    ) { try exchange.exchange(field) })
            }
        }
    }
}
