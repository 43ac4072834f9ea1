import Diagnostics
import HDF5
import SAGESnet
import Trajectory

extension PlottedTrajectory {
    /// Numbers of each kind kept in memory at most; of longer trajectories every n-th frame is drawn.
    private static let largestCount = 30_000_000

    /// Reads an H5MD file. Not collective.
    ///
    /// - Throws: `HDF5Error`, `TrajectoryError`: 66 where the file is missing, 65 where it is no trajectory.
    init(path: String, label: String) throws {
        let reader = try H5MDReader(path)
        let atoms = reader.atomCount
        guard reader.frameCount > 0 else { throw TrajectoryError(file: path, message: "it holds no frames to draw") }
        let stride = max(1, (reader.frameCount * atoms * 3 + Self.largestCount - 1) / Self.largestCount)
        let frames = Array(Swift.stride(from: 0, to: reader.frameCount, by: stride))
        if stride > 1 {
            Message.note("\(path): \(reader.frameCount) frames of \(atoms) atoms; every \(stride)th frame is drawn")
        }

        var positions: [[Double]] = [], velocities: [[Double]] = [], edges: [[Double]] = []
        for frame in frames {
            let box = try reader.box(frame: frame)
            let origin = [box.origin.x, box.origin.y, box.origin.z]
            edges.append([box.edges.x, box.edges.y, box.edges.z])
            var values = try Self.read(.position, frame, of: reader)
            for index in values.indices { values[index] -= origin[index % 3] }
            positions.append(values)
            if reader.hasVelocities { velocities.append(try Self.read(.velocity, frame, of: reader)) }
        }
        let box = try reader.box(frame: 0)
        self.label = label
        self.times = frames.map { reader.times[$0] }
        self.steps = frames.map { reader.steps[$0] }
        self.positions = positions
        self.velocities = velocities
        self.edges = edges
        self.masses = try Self.masses(of: reader)
        self.isPeriodic = (0..<3).map { box.boundary($0) == .periodic }
        self.clusters = try Self.clusters(of: reader, frames)
        let root = try reader.file.root
        self.hasForces = try root.isGroup("provenance") && root.group("provenance").hasAttribute("forces")
        self.scalars = try reader.scalars().filter { scalar in
            !["_x", "_y", "_z"].contains { scalar.name.hasSuffix($0) }
        }.map { (name: $0.name, unit: $0.unit, values: try reader.readScalar($0.name, frame: reader.frameCount - 1)) }
        self.potentialEnergy = try Self.potentialEnergy(of: reader).map { values in frames.map { values[$0] } }
    }

    private static func read(_ quantity: H5MDReader.Quantity, _ frame: Int, of reader: H5MDReader) throws -> [Double] {
        var values = [Double](repeating: 0, count: reader.atomCount * quantity.components)
        try values.withUnsafeMutableBufferPointer {
            try reader.read(quantity, frames: frame..<frame + 1, atoms: 0..<reader.atomCount, into: $0,
                            transfer: .independent)
        }
        return values
    }

    /// The mass of each atom by its species.
    private static func masses(of reader: H5MDReader) throws -> [Double] {
        guard let table = reader.species else {
            throw TrajectoryError(file: reader.path, message: "it does not say the masses of its atoms; "
                                  + "sages import makes a file that does")
        }
        var frame = AtomFrame()
        try reader.readFrame(0, into: &frame)
        return try frame.species.map { index in
            guard table.masses.indices.contains(Int(index)) else {
                throw TrajectoryError(file: reader.path, message: "an atom has the species \(index), which has no mass")
            }
            return table.masses[Int(index)]
        }
    }

    /// Each atom's cluster in some frames, where sages patterns wrote the file.
    private static func clusters(of reader: H5MDReader, _ frames: [Int]) throws -> [[Double]] {
        let (root, place) = (try reader.file.root, "particles/all/\(PatternAnalysis.clusterName)/value")
        guard root.isGroup("patterns"), root.isDataset(place) else { return [] }
        let dataset = try root.dataset(place)
        guard dataset.shape.count == 2, dataset.shape[0] >= reader.frameCount, dataset.shape[1] == reader.atomCount else {
            throw TrajectoryError(file: reader.path, message: "/\(place) has the shape \(dataset.shape)")
        }
        return try frames.map { frame in
            let values = try dataset.read(
                Double.self, .box(offset: [frame, 0], count: [1, reader.atomCount]), transfer: .independent)
            guard values.allSatisfy({ (0..<1000).contains($0) }) else {
                throw TrajectoryError(file: reader.path, message: "/\(place) has a number that is no cluster")
            }
            return values
        }
    }

    /// `/observables/potential_energy`, eV, where it has a value for each frame.
    private static func potentialEnergy(of reader: H5MDReader) throws -> [Double]? {
        let root = try reader.file.root
        guard root.isDataset("observables/potential_energy/value") else { return nil }
        let dataset = try root.dataset("observables/potential_energy/value")
        guard dataset.shape.count == 1, dataset.shape[0] >= reader.frameCount else { return nil }
        return try dataset.read(Double.self, .rows(0, reader.frameCount, of: dataset.shape), transfer: .independent)
    }

    /// Takes the potential energies from the columns `step` and `potential` (eV) of a CSV table, for frames of these steps.
    ///
    /// - Throws: `PlotError`: 66 where the file is missing, 65 where it is no such table, or of other frames.
    mutating func takeEnergies(fromTable path: String) throws(PlotError) {
        func fault(_ reason: String) -> PlotError { PlotError(exitStatus: .data, description: "\(path): \(reason)") }
        let table = try MetricsTable(path: path)
        guard let steps = table.column("step"), let energies = table.column("potential") else {
            throw fault("it has no column 'potential'")
        }
        var ofStep: [Double: Double] = [:]
        for (step, energy) in zip(steps, energies) where energy.isFinite { ofStep[step] = energy }
        let found = self.steps.map { ofStep[Double($0)] ?? .nan }
        guard found.filter(\.isFinite).count >= 2 else {
            throw fault("it has energies for fewer than two of the frames of \(label), whose steps are \(self.steps[0]) to "
                        + "\(self.steps[self.steps.count - 1])")
        }
        potentialEnergy = found
    }
}
