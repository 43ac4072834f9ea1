import Tensor
import Trajectory

/// Atoms of carbon and hydrogen anywhere in a box: they cross cells and ranks all the time, and share cells.
public struct Gas {
    public var box: SimulationBox
    public var atoms: Int
    /// Standard deviation of a velocity's components, Angstrom/ps.
    public var speed: Double
    public var seed: UInt64 = 5

    public init(box: SimulationBox, atoms: Int, speed: Double) {
        self.box = box
        self.atoms = atoms
        self.speed = speed
    }

    /// Writes two frames, the second one after 5 fs of free motion. Not collective.
    ///
    /// - Parameter margin: of each face of the box that no atom starts in, Angstrom.
    public func write(to path: String, margin: Double = 0) throws {
        var generator = Philox(seed: seed, stream: 78)
        var frame = AtomFrame()
        frame.box = box
        for atom in 0..<atoms {
            frame.ids.append(Int64(2 * atom + 1))
            frame.species.append(Int32(generator.nextIndex(below: 2)))
            for axis in 0..<3 {
                let room = box.edges[axis] - 2 * margin
                frame.positions.append(box.origin[axis] + margin + room * generator.nextUniform())
                frame.velocities.append(speed * generator.nextNormal())
            }
        }
        let writer = try H5MDWriter.create(
            path, communicator: nil, atomCount: atoms,
            species: SpeciesTable(symbols: ["H", "C"], masses: [1.008, 12.011]), box: box,
            options: H5MDOptions(precision: .float64))
        try writer.append(frame)
        frame.step = 1
        frame.time = 0.005
        for component in frame.positions.indices {
            let place = frame.positions[component] + 0.005 * frame.velocities[component]
            frame.positions[component] = box.boundary(component % 3) == .periodic
                ? box.wrap(place, axis: component % 3).coordinate : place
        }
        try writer.append(frame)
        try writer.close()
    }
}
