import HDF5

/// Writes an H5MD file's content in other formats. One process; no MPI needed.
///
/// Numbers are written such that reading them gives the same numbers again.
public enum TrajectoryExport {
    /// Output formats.
    public enum Format: String, Sendable, CaseIterable {
        /// Extended XYZ, with ids, velocities and images where the trajectory has them.
        case extxyz
        /// LAMMPS text dump.
        case lammpstrj
        /// XDMF (XML) that refers to the HDF5 file, for ParaView and VisIt.
        case xdmf
        /// Observables, one line a frame.
        case csv
    }

    /// Writes frames of a file.
    /// - Parameter frames: all if nil.
    /// - Throws: `HDF5Error` or `TrajectoryError`: 66 and 65 for the input, 74 for the output.
    public static func run(_ input: String, format: Format, output: String, frames: Range<Int>? = nil) throws {
        switch format {
        case .extxyz: try writeFrames(input, output, frames) { try $0.writeExtendedXYZ($1, species: $2, frame: $3) }
        case .lammpstrj: try writeFrames(input, output, frames) { try $0.writeLAMMPSDump($1, species: $2, frame: $3) }
        case .xdmf: try XDMFDocument(input, output: output, frames: frames).write(to: output)
        case .csv: try writeObservables(input, output, frames)
        }
    }

    private static func writeFrames(_ input: String, _ output: String, _ frames: Range<Int>?,
                                    _ body: (TextWriter, AtomFrame, SpeciesTable, Int) throws -> Void) throws {
        let reader = try H5MDReader(input)
        guard let species = reader.species else {
            throw TrajectoryError(file: input, message: "it does not name its elements; import it first")
        }
        let writer = try TextWriter(output)
        var frame = AtomFrame()
        for index in try selected(frames, of: reader.frameCount, input) {
            try reader.readFrame(index, into: &frame)
            if let wrong = frame.species.first(where: { !species.symbols.indices.contains(Int($0)) }) {
                throw TrajectoryError(file: input, frame: index, message: "there is no species \(wrong)")
            }
            try body(writer, frame, species, index)
        }
        try writer.finish()
    }

    static func selected(_ frames: Range<Int>?, of count: Int, _ input: String) throws -> Range<Int> {
        let range = frames ?? 0..<count
        guard range.lowerBound >= 0, range.upperBound <= count else {
            throw TrajectoryError(.usage, file: input, message: "it has \(count) frames, so \(range) cannot be exported")
        }
        return range
    }

    /// Step, time, edges, and every scalar observable of as many frames as there are steps.
    private static func writeObservables(_ input: String, _ output: String, _ frames: Range<Int>?) throws {
        let file = try File.open(input)
        let reader = try H5MDReader(file)
        var names: [String] = [], columns: [[Double]] = []
        let root = try file.root
        if root.isGroup("observables") {
            let group = try root.group("observables")
            for name in try group.memberNames where group.isDataset(name + "/value") {
                let dataset = try group.dataset(name + "/value")
                guard dataset.shape.count == 1, dataset.elements.isNumber, dataset.shape[0] >= reader.frameCount else { continue }
                let unit = dataset.hasAttribute("unit") ? " (\(try dataset.stringAttribute("unit")))" : ""
                names.append(name + unit)
                columns.append(try dataset.read(Double.self))
            }
        }
        let writer = try TextWriter(output)
        try writer.write((["step", "time (ps)", "edge_x (Angstrom)", "edge_y (Angstrom)", "edge_z (Angstrom)"] + names)
            .joined(separator: ",") + "\n")
        for index in try selected(frames, of: reader.frameCount, input) {
            let box = try reader.box(frame: index)
            let numbers = [reader.times[index], box.edges.x, box.edges.y, box.edges.z] + columns.map { $0[index] }
            try writer.write("\(reader.steps[index])," + numbers.map(\.description).joined(separator: ",") + "\n")
        }
        try writer.finish()
    }
}
