import Foundation
import Tensor
import Trajectory

/// Atoms on every second site of a cubic lattice (so half of the cells are occupied, each with twelve occupied
/// neighbors), held by springs to these: a crystal whose motion is known exactly, and at rest as a whole.
///
/// Sites are the centers of cells of side `spacing`. Displacements u follow m a = -k sum over neighbors (u - u').
public struct HarmonicLattice {
    /// Sites along x, y, z; even along periodic axes, so that the pattern goes on over the border.
    public var sites = SIMD3(4, 4, 4)
    /// Angstrom
    public var spacing = 1.0
    public var boundaries: (BoxBoundary, BoxBoundary, BoxBoundary) = (.periodic, .periodic, .periodic)
    /// Standard deviation of a velocity's components at the start, Angstrom/ps.
    public var speed = 3.0
    /// u/ps^2; the mean angular frequency is about 50 per ps.
    public var spring = 2700.0
    /// Time between frames, ps.
    public var timeStep = 0.004
    public var frames = 13
    /// How fast the logarithms of the edges of the box that is written grow, 1/ps; the motion is that of the box at rest.
    public var strainRate = SIMD3<Double>()
    /// Of every frame, whatever the atoms do: `Virial.components`, eV; empty for none.
    public var virial: [Double] = []
    public var seed: UInt64 = 1

    public init() {}

    public var box: SimulationBox {
        SimulationBox(
            edges: spacing * SIMD3(Double(sites.x), Double(sites.y), Double(sites.z)), boundaries: boundaries)
    }

    private static let mass = 12.011
    /// Steps of the integrator between frames.
    private static let substeps = 10

    /// Integrates and writes a trajectory in double precision. Not collective.
    public func write(to path: String) throws {
        let table = sitesAndNeighbors()
        let count = table.sites.count
        var generator = Philox(seed: seed, stream: 77)
        var velocities = (0..<count).map { _ in
            speed * SIMD3(generator.nextNormal(), generator.nextNormal(), generator.nextNormal())
        }
        let mean = velocities.reduce(SIMD3<Double>.zero, +) / Double(count)
        for atom in velocities.indices { velocities[atom] -= mean }
        var displacements = [SIMD3<Double>](repeating: .zero, count: count)
        let writer = try H5MDWriter.create(
            path, communicator: nil, atomCount: count,
            species: SpeciesTable(symbols: ["C"], masses: [HarmonicLattice.mass]), box: box,
            options: H5MDOptions(precision: .float64, observables: virial.isEmpty ? [] : Virial.observables))
        // Past the first period, so that potential and kinetic energy are alike in all frames.
        for _ in 0..<30 { advance(&displacements, &velocities, table.neighbors) }
        for frame in 0..<frames {
            try writer.append(atoms(table.sites, displacements, velocities, frame), observables: virial)
            advance(&displacements, &velocities, table.neighbors)
        }
        try writer.close()
    }

    private func atoms(
        _ sites: [SIMD3<Int>], _ displacements: [SIMD3<Double>], _ velocities: [SIMD3<Double>], _ index: Int
    ) -> AtomFrame {
        var frame = AtomFrame()
        frame.step = Int64(index)
        frame.time = Double(index) * timeStep
        frame.box = box
        for axis in 0..<3 { frame.box.edges[axis] *= exp(strainRate[axis] * frame.time) }
        for atom in sites.indices {
            frame.ids.append(Int64(atom + 1))
            frame.species.append(0)
            for axis in 0..<3 {
                let place = (Double(sites[atom][axis]) + 0.5) * spacing + displacements[atom][axis]
                frame.positions.append(box.boundary(axis) == .periodic ? box.wrap(place, axis: axis).coordinate : place)
                frame.velocities.append(velocities[atom][axis])
            }
        }
        return frame
    }

    /// Velocity Verlet over the time of a frame.
    private func advance(_ u: inout [SIMD3<Double>], _ v: inout [SIMD3<Double>], _ neighbors: [[Int]]) {
        let step = timeStep / Double(HarmonicLattice.substeps)
        func kick() {
            for atom in u.indices {
                var force = SIMD3<Double>.zero
                for other in neighbors[atom] { force -= spring * (u[atom] - u[other]) }
                v[atom] += 0.5 * step / HarmonicLattice.mass * force
            }
        }
        for _ in 0..<HarmonicLattice.substeps {
            kick()
            for atom in u.indices { u[atom] += step * v[atom] }
            kick()
        }
    }

    private func sitesAndNeighbors() -> (sites: [SIMD3<Int>], neighbors: [[Int]]) {
        var places: [SIMD3<Int>] = []
        for z in 0..<sites.z {
            for y in 0..<sites.y {
                for x in 0..<sites.x where (x + y + z) % 2 == 0 { places.append(SIMD3(x, y, z)) }
            }
        }
        let index = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
        let neighbors = places.map { place in
            (0..<27).compactMap { direction -> Int? in
                let offset = SIMD3(direction % 3 - 1, direction / 3 % 3 - 1, direction / 9 - 1)
                guard offset != .zero else { return nil }
                var other = place &+ offset
                for axis in 0..<3 where box.boundary(axis) == .periodic {
                    other[axis] = (other[axis] + sites[axis]) % sites[axis]
                }
                return index[other]
            }
        }
        return (places, neighbors)
    }
}
