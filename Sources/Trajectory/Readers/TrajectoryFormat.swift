import Foundation

/// Formats of trajectories and structures.
public enum TrajectoryFormat: String, Sendable, CaseIterable {
    case lammpsDump = "lammpstrj"
    case lammpsData = "data"
    case extendedXYZ = "extxyz"
    case h5md

    /// The format of an existing file: by its content, and where that does not tell, by its name.
    /// - Throws: `TrajectoryError` if the file cannot be read (66, 74) or is of no known format (65).
    public static func detect(_ path: String) throws -> TrajectoryFormat {
        let source = try ByteSource(path)
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count = 0
        try bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            while count < buffer.count {
                let more = try source.read(into: base + count, capacity: buffer.count - count)
                if more == 0 { break }
                count += more
            }
        }
        guard count > 0 else { throw TrajectoryError(file: path, message: "the file is empty") }
        let head = bytes.prefix(count)
        if head.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]) { return .h5md }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        if lines.first(where: { !$0.isEmpty })?.hasPrefix("ITEM:") ?? false { return .lammpsDump }
        if lines.contains(where: { isAtomCount($0) }) { return .lammpsData }
        if let first = lines.first, Int(first) != nil, lines.count > 1 { return .extendedXYZ }
        if let format = byName(path) { return format }
        throw TrajectoryError(file: path, message: "neither a LAMMPS dump or data file, extended XYZ, nor HDF5")
    }

    /// "1000 atoms", the line that every LAMMPS data file has.
    private static func isAtomCount(_ line: String) -> Bool {
        let fields = line.split(whereSeparator: \.isWhitespace)
        return fields.count >= 2 && Int(fields[0]) != nil && fields[1] == "atoms"
    }

    private static func byName(_ path: String) -> TrajectoryFormat? {
        let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
        switch name.split(separator: ".").last.map(String.init) ?? "" {
        case "lammpstrj", "dump": return .lammpsDump
        case "data", "lmp": return .lammpsData
        case "xyz", "extxyz": return .extendedXYZ
        case "h5", "h5md", "hdf5": return .h5md
        default: return nil
        }
    }
}
