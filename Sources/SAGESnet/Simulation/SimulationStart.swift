import Grid
import HDF5
import MPI
import Tensor
import Trajectory

/// One atom of a simulation, as it travels between ranks.
public struct SimulatedAtom: BitwiseCopyable, Sendable {
    public var id: Int64
    /// Index in the start file's species table.
    public var species: Int32
    /// Index among the model's elements.
    public var element: Int32
    /// u
    public var mass: Double
    /// The first element's mass over this atom's.
    public var mobility: Double
    /// Angstrom; multiples of `AtomGrid.quantum`.
    public var position: SIMD3<Double>
    /// Angstrom/ps
    public var velocity: SIMD3<Double>
    /// Boxes crossed along x, y, z.
    public var image: SIMD3<Int32>
}

/// Where a simulation begins: this rank's share of the atoms (any share), and the box.
public struct SimulationStart {
    public var atoms: [SimulatedAtom]
    /// Over all ranks.
    public var atomCount: Int
    public var box: SimulationBox
    public var species: SpeciesTable
    /// Step and time (ps) of the first frame.
    public var step: Int64
    public var time: Double
    /// Steps of the model done since then: not 0 where a simulation is resumed.
    public var completedSteps = 0
    /// Frames of the output that is resumed up to this state.
    public var completedFrames = 0
    /// Whether the output that is resumed has no frame of this state.
    public var isBetweenFrames = false
    /// What was corrected in these steps.
    public var conservation = Conservation()
    /// What errors call the origin of the atoms.
    public var source: String

    /// Reads one frame of a trajectory; each rank takes a slice of the atoms. Collective.
    ///
    /// - Parameters:
    ///   - frame: counted from 0, or from the end if negative (-1 is the last).
    ///   - boundaries: in place of the file's.
    ///   - replicate: copies of the box along x, y, z; ids go on by the number of atoms for each copy.
    /// - Throws: on every rank, `HDF5Error`, `TrajectoryError`, `SAGESnetError`.
    public init(
        _ path: String, frame: Int = 0, for model: SAGESnetModel, boundaries: Boundaries? = nil,
        replicate: SIMD3<Int> = SIMD3(1, 1, 1), communicator: Communicator
    ) throws {
        self = try communicator.agree {
            try SimulationStart(
                reading: try H5MDReader(path), frame: frame, model, boundaries, replicate, keepingImages: false,
                rank: communicator.rank, ranks: communicator.size)
        }
    }

    /// - Parameter keepingImages: whether atoms have crossed as many boxes as the file says, or none.
    init(
        reading reader: H5MDReader, frame: Int, _ model: SAGESnetModel, _ boundaries: Boundaries?,
        _ replicate: SIMD3<Int>, keepingImages: Bool, rank: Int, ranks: Int
    ) throws {
        let path = reader.path
        let index = frame < 0 ? reader.frameCount + frame : frame
        guard index >= 0, index < reader.frameCount else {
            throw SAGESnetError.badRequest("\(path) has \(reader.frameCount) frames, so there is no frame \(frame)")
        }
        guard reader.hasVelocities else {
            throw SAGESnetError.unsuitableData(file: path, reason: "it has no velocities")
        }
        source = path
        step = reader.steps[index]
        time = reader.times[index]
        var single = try reader.box(frame: index)
        if let boundaries {
            func box(_ boundary: Boundary) -> BoxBoundary { boundary == .periodic ? .periodic : .open }
            (single.boundaryX, single.boundaryY, single.boundaryZ) =
                (box(boundaries.x), box(boundaries.y), box(boundaries.z))
        }
        let slice = rank * reader.atomCount / ranks..<(rank + 1) * reader.atomCount / ranks
        let table = try AtomTable(reader, atoms: slice, knownElements: model.configuration.elements)
        species = table.species
        let frames = index..<(index + 1)
        func read(_ quantity: H5MDReader.Quantity) throws -> [Double] {
            var values = [Double](repeating: 0, count: 3 * slice.count)
            try values.withUnsafeMutableBufferPointer {
                try reader.read(quantity, frames: frames, atoms: slice, into: $0, transfer: .independent)
            }
            return values
        }
        let (positions, velocities) = (try read(.position), try read(.velocity))
        var images = [Int32](repeating: 0, count: 3 * slice.count)
        if keepingImages {
            try images.withUnsafeMutableBufferPointer {
                try reader.read(.image, frames: frames, atoms: slice, into: $0, transfer: .independent)
            }
        }
        let copies = replicate.x * replicate.y * replicate.z
        atomCount = reader.atomCount * copies
        box = single
        for axis in 0..<3 { box.edges[axis] *= Double(replicate[axis]) }
        atoms = []
        atoms.reserveCapacity(slice.count * copies)
        var copy: Int64 = 0
        for z in 0..<replicate.z {
            for y in 0..<replicate.y {
                for x in 0..<replicate.x {
                    let shift = SIMD3(Double(x), Double(y), Double(z)) * single.edges
                    for atom in table.ids.indices {
                        let place = SIMD3(positions[3 * atom], positions[3 * atom + 1], positions[3 * atom + 2]) + shift
                        let velocity = SIMD3(velocities[3 * atom], velocities[3 * atom + 1], velocities[3 * atom + 2])
                        // Written so that a NaN fails.
                        guard place.sum().isFinite,
                              (velocity * velocity).sum() < Conservation.largestVelocity * Conservation.largestVelocity
                        else {
                            throw SAGESnetError.unsuitableData(
                                file: path, reason: "atom \(table.ids[atom]) has a position or velocity that is not a "
                                    + "finite number, or is faster than \(Conservation.largestVelocity) Angstrom/ps, in "
                                    + "frame \(index)")
                        }
                        atoms.append(
                            SimulatedAtom(
                                id: table.ids[atom] + copy * Int64(reader.atomCount),
                                species: table.speciesIndices[atom], element: table.elements[atom],
                                mass: table.masses[atom], mobility: table.mobility[atom],
                                position: SIMD3(
                                    AtomGrid.quantized(place.x), AtomGrid.quantized(place.y),
                                    AtomGrid.quantized(place.z)),
                                velocity: velocity, image: SIMD3(images[3 * atom], images[3 * atom + 1], images[3 * atom + 2])))
                    }
                    copy += 1
                }
            }
        }
    }
}

extension SimulationStart {
    /// Where cell centers must lie to be near the atoms; the same on any number of ranks. Collective.
    public func alignment(for model: SAGESnetModel, _ communicator: Communicator) throws -> GridAlignment {
        let size = try AtomGrid(box: box, for: model.configuration).cellSize
        var alignment = GridAlignment()
        for atom in atoms { alignment.add(atom.position, box: box, cellSize: size) }
        var sums = alignment.sums
        try sums.withUnsafeMutableBufferPointer { try communicator.allReduce($0, .sum) }
        return GridAlignment(sums: sums)
    }

    /// The kinetic temperature, K; the same on any number of ranks. Collective.
    public func temperature(_ communicator: Communicator) throws -> Double {
        try StartTotals(self, communicator: communicator).temperature
    }
}
