import Diagnostics
import HDF5
import MPI
import Trajectory

extension PatternAnalysis {
    /// Of each atom and frame, under `/particles/all`.
    public static let clusterName = "cluster"

    /// Writes the frames as H5MD with each atom's cluster (from 0), energy (eV) and coordination under `/particles/all`, and
    /// what the clusters are under `/patterns`. The same bytes on any number of ranks. Collective.
    ///
    /// - Throws: on every rank, `HDF5Error` (74), `TrajectoryError`.
    public func write(to path: String, provenance: SimulationProvenance, communicator: Communicator) throws {
        let total = try communicator.allReduce(samples.atomCount, .sum)
        let largest = try communicator.allReduce(samples.ids.last ?? 0, .maximum)
        var scalars = [H5MDOptions.Quantity(name: PatternAnalysis.clusterName, unit: "")]
        if samples.energies != nil { scalars.append(.init(name: "energy", unit: "eV")) }
        if samples.coordination != nil { scalars.append(.init(name: "coordination", unit: "")) }
        guard let first = samples.frames.first else { preconditionFailure("an analysis of no frames") }
        var whole: WholeFile?
        try communicator.agree { if communicator.rank == 0 { whole = try WholeFile(path) } }
        let temporary = try communicator.broadcast(whole?.temporaryPath ?? "", root: 0)
        do {
            let writer = try H5MDWriter.create(
                temporary, communicator: communicator, atomCount: total, species: samples.species, box: first.box,
                options: H5MDOptions(
                    precision: .float32, hasVelocities: false, hasWideIdentifiers: largest > Int64(Int32.max),
                    scalars: scalars, creatorVersion: BuildInformation.version))
            try provenance.write(to: writer.file)
            try writeTables(in: writer.file)
            let clusters = assignment
            for frame in samples.frames.indices { try append(frame, clusters, to: writer) }
            try writer.close()
        } catch {
            whole.take()?.discardTemporary()
            throw error
        }
        try communicator.agree { try whole.take()?.commit() }
    }

    private func append(_ index: Int, _ clusters: [Int], to writer: H5MDWriter) throws {
        let (atoms, frame) = (samples.atomCount, samples.frames[index])
        let range = (index * atoms)..<((index + 1) * atoms)
        var atomFrame = AtomFrame()
        (atomFrame.ids, atomFrame.species) = (samples.ids, samples.speciesIndices)
        atomFrame.positions = Array(samples.positions[(3 * range.lowerBound)..<(3 * range.upperBound)])
        var scalars = [clusters[range].map { Double($0) }]
        if let energies = samples.energies { scalars.append(Array(energies[range])) }
        if let coordination = samples.coordination { scalars.append(coordination[range].map { Double($0) }) }
        try LocalAtoms.with(atomFrame, scalars: scalars) {
            try writer.append($0, step: frame.step, time: frame.time, box: frame.box)
        }
    }

    /// Writes `/patterns`: the clusters, how their number was chosen, the centers that were joined and how.
    private func writeTables(in file: File) throws {
        let group = try file.root.createGroup("patterns")
        try group.setAttribute("directions", space.isAgainstNoise ? "lasting differences over noise" : "principal components")
        try group.writeDataset("count", clusters.map { Int64($0.count) })
        if samples.energies != nil {
            try group.writeDataset("energy", clusters.map { $0.energy ?? .nan }).setAttribute("unit", "eV")
        }
        if samples.coordination != nil { try group.writeDataset("coordination", clusters.map { $0.coordination ?? .nan }) }
        if samples.frames.count > 1 {
            try group.writeDataset("residence", clusters.map { $0.residence ?? .nan }).setAttribute("unit", "ps")
        }
        try group.writeDataset("typical_frame", clusters.map { Int64($0.typicalFrame) })
        try group.writeDataset("typical_atom", clusters.map(\.typicalAtom))
        try group.writeDataset("center", clusters.flatMap(\.center), shape: [clusters.count, space.dimensions])
        try group.writeDataset("choice/clusters", silhouettes.map { Int64($0.clusters) })
        try group.writeDataset("choice/silhouette", silhouettes.map(\.silhouette))
        try group.writeDataset("space/mean", space.mean)
        try group.writeDataset("space/directions", space.directions, shape: [space.dimensions, samples.width])
        try group.writeDataset("space/ratio", space.ratios)
        try group.writeDataset("hierarchy/center", leaves.centers, shape: [leaves.counts.count, space.dimensions])
        try group.writeDataset("hierarchy/count", leaves.counts.map { Int64($0) })
        try group.writeDataset("hierarchy/cluster", clusterOfLeaf.map { Int64($0) })
        try group.writeDataset(
            "hierarchy/merged", hierarchy.merges.flatMap { [Int64($0.first), Int64($0.second)] },
            shape: [hierarchy.merges.count, 2])
        try group.writeDataset("hierarchy/cost", hierarchy.merges.map(\.cost))
    }
}
