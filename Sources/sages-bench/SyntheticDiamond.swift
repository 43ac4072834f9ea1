import Foundation
import MPI
import Tensor
import Trajectory

/// Diamond whose atoms sit near their lattice sites at random: atoms to measure with, not to learn from.
enum SyntheticDiamond {
    static let latticeConstant = 3.567

    /// Writes `frames` frames, 5 fs apart, of `cells`^3 conventional cells (8 atoms each). Collective.
    static func write(_ path: String, cells: Int, frames: Int, communicator: Communicator) throws {
        let sites = [
            (0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0),
            (0.25, 0.25, 0.25), (0.25, 0.75, 0.75), (0.75, 0.25, 0.75), (0.75, 0.75, 0.25),
        ]
        let count = 8 * cells * cells * cells
        let edge = latticeConstant * Double(cells)
        var frame = AtomFrame()
        frame.box = SimulationBox(edges: SIMD3(repeating: edge))
        frame.ids = (1...Int64(count)).map { $0 }
        frame.species = [Int32](repeating: 0, count: count)
        guard let species = SpeciesTable(symbols: ["C"]) else { return }
        let writer = try H5MDWriter.create(
            path, communicator: communicator, atomCount: count, species: species, box: frame.box)
        for index in 0..<frames {
            var random = Philox(seed: 1, stream: UInt64(index))
            frame.positions.removeAll(keepingCapacity: true)
            frame.velocities.removeAll(keepingCapacity: true)
            for z in 0..<cells {
                for y in 0..<cells {
                    for x in 0..<cells {
                        for site in sites {
                            for place in [Double(x) + site.0, Double(y) + site.1, Double(z) + site.2] {
                                let coordinate = latticeConstant * place + 0.08 * random.nextNormal()
                                frame.positions.append(coordinate - edge * (coordinate / edge).rounded(.down))
                                frame.velocities.append(8.5 * random.nextNormal())
                            }
                        }
                    }
                }
            }
            frame.step = Int64(index)
            frame.time = 0.005 * Double(index)
            try writer.append(frame)
        }
        try writer.close()
    }

    /// A path for temporary data, new with each call and the same on every rank. Collective.
    static func temporaryPath(_ name: String, _ communicator: Communicator) throws -> String {
        let folder = FileManager.default.temporaryDirectory.path
        let process = ProcessInfo.processInfo.processIdentifier
        return try communicator.broadcast("\(folder)/sages-bench-\(process)-\(UInt32.random(in: 0 ... .max))-\(name)", root: 0)
    }
}
