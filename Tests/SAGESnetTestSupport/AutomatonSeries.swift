import CellularAutomata
import Configuration
import Grid
import HDF5
import MPI
import SAGESnet
import Tensor
import Trajectory

/// Frames of an automaton as a file of grid fields.
public struct AutomatonSeries {
    public var rule: String
    public var cells: Extent3
    public var boundaries = Boundaries.periodic
    public var frames = 6
    public var density = 0.25
    public var seed: UInt64 = 1

    public init(_ rule: String, _ cells: Extent3) {
        self.rule = rule
        self.cells = cells
    }

    /// Not collective.
    public func write(to path: String) throws {
        let automaton = try Automaton(
            AutomatonRule(parsing: rule), cells: cells, boundaries: boundaries, communicator: .selfOnly)
        try automaton.sow(density: density, seed: seed)
        let file = try File.create(path)
        let writer = try GridSeriesWriter.create(
            in: file, level: 0, cells: [cells.z, cells.y, cells.x], channels: 1, cellSize: SIMD3(1, 1, 1),
            origin: SIMD3(0, 0, 0), isPeriodic: [boundaries.x, boundaries.y, boundaries.z].map { $0 == .periodic })
        let state = Buffer<Float>(repeating: 0, count: cells.count)
        for frame in 0..<frames {
            if frame > 0 { try automaton.advance() }
            automaton.write(to: state.span)
            try writer.append(
                UnsafeBufferPointer(state.span), offset: [0, 0, 0], extent: [cells.z, cells.y, cells.x], step: Int64(frame),
                time: Double(frame))
        }
        try file.close()
    }
}

/// A grid model's configuration from the members of its JSON5 object.
public func gridConfiguration(_ members: String) throws -> GridModelConfiguration {
    try ConfigurationDocument(text: "{\(members)}", source: "the test").decode(GridModelConfiguration.self).value
}
