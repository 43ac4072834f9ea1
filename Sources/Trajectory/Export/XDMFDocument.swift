import Foundation
import HDF5

/// An XDMF description of an HDF5 file's grids and particles.
///
/// Each level of a grid becomes a collection in time of regular meshes with cell-centered channels; particles become
/// one of point clouds. A file with both gets two documents' worth in one domain, which ParaView shows as two blocks.
struct XDMFDocument {
    private var text: String

    /// - Throws: `TrajectoryError` (65) if the file has neither grids nor particles.
    init(_ input: String, output: String, frames: Range<Int>?) throws {
        let file = try File.open(input)
        let reference = Self.reference(to: input, from: output)
        text = "<?xml version=\"1.0\"?>\n<Xdmf Version=\"3.0\">\n<Domain>\n"
        let levels = try GridSeriesReader.levels(in: file)
        for level in levels { try append(grid: GridSeriesReader(file, level: level), level: level, reference, frames, input) }
        if try file.root.isGroup("particles") {
            try append(particles: H5MDReader(file), reference, frames, input)
        } else if levels.isEmpty {
            throw TrajectoryError(file: input, message: "it holds neither grids nor particles")
        }
        text += "</Domain>\n</Xdmf>\n"
    }

    func write(to path: String) throws {
        let writer = try TextWriter(path)
        try writer.write(text)
        try writer.finish()
    }

    private mutating func append(particles reader: H5MDReader, _ reference: String, _ frames: Range<Int>?, _ input: String) throws {
        let bytes = reader.precision == .float64 ? 8 : 4
        let count = reader.atomCount
        text += "<Grid Name=\"particles\" GridType=\"Collection\" CollectionType=\"Temporal\">\n"
        for frame in try TrajectoryExport.selected(frames, of: reader.frameCount, input) {
            text += "<Grid Name=\"particles\" GridType=\"Uniform\">\n<Time Value=\"\(reader.times[frame])\"/>\n"
            text += "<Topology TopologyType=\"Polyvertex\" NumberOfElements=\"\(count)\" NodesPerElement=\"1\"/>\n"
            text += "<Geometry GeometryType=\"XYZ\">\n"
            text += Self.slab(path: reader.path(of: .position), frame: frame, stored: reader.storedShape(of: .position),
                              type: "Float", bytes, reference)
            text += "</Geometry>\n"
            for (name, quantity, kind, type) in [("velocity", H5MDReader.Quantity.velocity, "Vector", "Float"),
                                                 ("id", .id, "Scalar", "Int"), ("species", .species, "Scalar", "Int")]
            where reader.has(quantity) && !reader.isFixed(quantity) {
                text += "<Attribute Name=\"\(name)\" AttributeType=\"\(kind)\" Center=\"Node\">\n"
                text += Self.slab(path: reader.path(of: quantity), frame: frame, stored: reader.storedShape(of: quantity),
                                  type: type, reader.storedBytes(of: quantity), reference)
                text += "</Attribute>\n"
            }
            text += "</Grid>\n"
        }
        text += "</Grid>\n"
    }

    private mutating func append(grid reader: GridSeriesReader, level: Int, _ reference: String, _ frames: Range<Int>?,
                                 _ input: String) throws {
        let bytes = reader.state.elements == .float(bytes: 8) ? 8 : 4
        // Extents of nodes, z y x as the data.
        let nodes = reader.cells.map { String($0 + 1) }.joined(separator: " ")
        let cells = reader.cells.map(String.init).joined(separator: " ")
        text += "<Grid Name=\"level \(level)\" GridType=\"Collection\" CollectionType=\"Temporal\">\n"
        for frame in try TrajectoryExport.selected(frames, of: reader.frameCount, input) {
            text += "<Grid Name=\"level \(level)\" GridType=\"Uniform\">\n<Time Value=\"\(reader.times[frame])\"/>\n"
            text += "<Topology TopologyType=\"3DCoRectMesh\" Dimensions=\"\(nodes)\"/>\n"
            text += "<Geometry GeometryType=\"ORIGIN_DXDYDZ\">\n"
            text += "<DataItem Format=\"XML\" Dimensions=\"3\">\(reader.origin.z) \(reader.origin.y) \(reader.origin.x)</DataItem>\n"
            text += "<DataItem Format=\"XML\" Dimensions=\"3\">\(reader.cellSize.z) \(reader.cellSize.y) \(reader.cellSize.x)</DataItem>\n"
            text += "</Geometry>\n"
            for channel in 0..<reader.channels {
                let stored = [reader.state.shape[0]] + reader.cells + [reader.channels]
                text += "<Attribute Name=\"channel \(channel)\" AttributeType=\"Scalar\" Center=\"Cell\">\n"
                text += "<DataItem ItemType=\"HyperSlab\" Dimensions=\"\(cells)\">\n"
                text += "<DataItem Dimensions=\"3 5\" Format=\"XML\">\(frame) 0 0 0 \(channel) 1 1 1 1 1 1 \(cells) 1</DataItem>\n"
                text += Self.item(path: reader.state.path, shape: stored, type: "Float", bytes, reference)
                text += "</DataItem>\n</Attribute>\n"
            }
            text += "</Grid>\n"
        }
        text += "</Grid>\n"
    }

    /// One frame of a dataset [frame, ...].
    private static func slab(path: String, frame: Int, stored: [Int], type: String, _ bytes: Int, _ reference: String) -> String {
        let inner = stored.dropFirst().map(String.init).joined(separator: " ")
        let zeros = stored.dropFirst().map { _ in "0" }.joined(separator: " ")
        let ones = stored.map { _ in "1" }.joined(separator: " ")
        return "<DataItem ItemType=\"HyperSlab\" Dimensions=\"\(inner)\">\n"
            + "<DataItem Dimensions=\"3 \(stored.count)\" Format=\"XML\">\(frame) \(zeros) \(ones) 1 \(inner)</DataItem>\n"
            + item(path: path, shape: stored, type: type, bytes, reference) + "</DataItem>\n"
    }

    private static func item(path: String, shape: [Int], type: String, _ bytes: Int, _ reference: String) -> String {
        "<DataItem Format=\"HDF\" NumberType=\"\(type)\" Precision=\"\(bytes)\" "
            + "Dimensions=\"\(shape.map(String.init).joined(separator: " "))\">\(reference):\(path)</DataItem>\n"
    }

    /// The name of the HDF5 file as seen from the XDMF file: relative where they share a folder.
    private static func reference(to input: String, from output: String) -> String {
        let target = URL(fileURLWithPath: input).standardizedFileURL
        let base = URL(fileURLWithPath: output).standardizedFileURL.deletingLastPathComponent()
        let path = target.deletingLastPathComponent().path == base.path ? target.lastPathComponent : target.path
        return path.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}

extension H5MDReader {
    func path(of quantity: Quantity) -> String { storedDataset(of: quantity)?.path ?? "" }
    func storedShape(of quantity: Quantity) -> [Int] { storedDataset(of: quantity)?.shape ?? [] }
    func storedBytes(of quantity: Quantity) -> Int {
        switch storedDataset(of: quantity)?.elements {
        case .float(let bytes), .integer(let bytes, _): bytes
        default: 0
        }
    }
}
