import HDF5
import SAGESnet
import Trajectory

/// A level of grid fields, for pictures.
struct PlottedGrid {
    /// How pictures of it are labeled.
    let label: String
    let reader: GridSeriesReader
    /// The shares of steps at the coarse level by regions; nil where none chose a scale.
    let regions: GridSeriesReader?

    /// Whether a file holds grid fields and no particles.
    static func isGrid(_ path: String) throws -> Bool {
        let root = try File.open(path).root
        return root.isGroup("grids") && !root.isGroup("particles")
    }

    /// Opens the finest level. Not collective.
    ///
    /// - Throws: `HDF5Error`, `TrajectoryError`: 66 where the file is missing, 65 where it holds no fields.
    init(path: String, label: String) throws {
        let file = try File.open(path)
        guard let level = try GridSeriesReader.levels(in: file).first else {
            throw TrajectoryError(file: path, message: "it holds no grid to draw")
        }
        self.label = label
        reader = try GridSeriesReader(file, level: level)
        let part = GridSimulationOutput<Float>.regions
        regions = try GridSeriesReader.has(part: part, ofLevel: level, in: file)
            ? try GridSeriesReader(file, level: level, part: part) : nil
        guard reader.frameCount > 0 else { throw TrajectoryError(file: path, message: "it holds no frames to draw") }
    }

    /// The first channel in the plane z of a frame. [y, x]
    func plane(frame: Int, z: Int) throws -> [Double] { try Self.plane(of: reader, frame: frame, z: z) }

    /// The shares of steps at the coarse level of the regions that the plane z cuts. [y, x]
    func planeOfRegions(frame: Int, z: Int) throws -> [Double]? {
        try regions.map { try Self.plane(of: $0, frame: frame, z: z * $0.cells[0] / reader.cells[0]) }
    }

    /// The sum of the first channel over all cells of each frame.
    func sums() throws -> [Double] {
        try (0..<reader.frameCount).map { frame in
            try (0..<reader.cells[0]).reduce(0.0) { sum, z in try plane(frame: frame, z: z).reduce(sum, +) }
        }
    }

    /// The index of the frame of a step.
    func frame(ofStep step: Int64) -> Int? { reader.steps.lastIndex(of: step) }

    private static func plane(of reader: GridSeriesReader, frame: Int, z: Int) throws -> [Double] {
        let extent = [1, reader.cells[1], reader.cells[2]]
        var values = [Double](repeating: 0, count: extent.reduce(reader.channels, *))
        try values.withUnsafeMutableBufferPointer {
            try reader.read(frame: frame, offset: [z, 0, 0], extent: extent, into: $0, transfer: .independent)
        }
        return stride(from: 0, to: values.count, by: reader.channels).map { values[$0] }
    }
}

/// Pictures of grid fields.
extension GnuplotFigure {
    /// The middle plane of the last frame; with a reference, of the last frame that both have, in both, and the difference.
    ///
    /// - Throws: `TrajectoryError` where the reference is another grid, or has no frame of the same step.
    static func plane(_ grid: PlottedGrid, reference: PlottedGrid?) throws -> (figure: GnuplotFigure, differing: Int?) {
        let reader = grid.reader
        let z = reader.cells[0] / 2
        func panel(_ heading: String, _ values: [Double], _ scale: String, of reader: GridSeriesReader) -> Panel {
            Panel(
                heading: heading, xLabel: "x (\(reader.lengthUnit))", yLabel: "y (\(reader.lengthUnit))",
                image: .init(
                    values: values, rows: reader.cells[1], columns: reader.cells[2],
                    width: Double(reader.cells[2]) * reader.cellSize.x, height: Double(reader.cells[1]) * reader.cellSize.y,
                    scaleLabel: scale))
        }
        func panels(_ states: [(heading: String, values: [Double], scale: String)], frame: Int) throws -> [Panel] {
            let panels = states.map { panel($0.heading, $0.values, $0.scale, of: reader) }
            guard let regions = grid.regions, let shares = try grid.planeOfRegions(frame: frame, z: z) else { return panels }
            return panels + [panel("Regions' scale", shares, "share of steps at the coarse level", of: regions)]
        }
        guard let reference else {
            let last = reader.frameCount - 1
            let values = try grid.plane(frame: last, z: z)
            let drawn = try panels([(grid.label, values, "state")], frame: last)
            return (GnuplotFigure(
                name: "plane", title: "Plane \(z) of \(reader.cells[0]) along z after \(reader.steps[last]) steps",
                panels: drawn, columns: drawn.count), nil)
        }
        guard reference.reader.cells == reader.cells else {
            throw TrajectoryError(
                file: reference.reader.path,
                message: "its grid has \(reference.reader.cells) cells along z, y, x, and the other \(reader.cells)")
        }
        guard let step = reader.steps.last(where: { reference.frame(ofStep: $0) != nil }),
              let own = grid.frame(ofStep: step), let other = reference.frame(ofStep: step) else {
            throw TrajectoryError(file: reference.reader.path, message: "it has no frame of a step that the other has")
        }
        let (values, truth) = (try grid.plane(frame: own, z: z), try reference.plane(frame: other, z: z))
        let difference = zip(values, truth).map { $0 - $1 }
        let differing = difference.count { $0 != 0 }
        let title = "Plane \(z) of \(reader.cells[0]) along z after \(step) steps: \(differing) of \(difference.count) cells differ"
        let drawn = try panels(
            [(reference.label, truth, "state"), (grid.label, values, "state"),
             ("difference", difference, "\(grid.label) - \(reference.label)")], frame: own)
        return (GnuplotFigure(name: "plane", title: title, panels: drawn, columns: drawn.count > 3 ? 2 : 3), differing)
    }

    /// The sum over all cells against the step.
    static func population(_ grid: PlottedGrid, reference: PlottedGrid?) throws -> GnuplotFigure {
        func series(_ grid: PlottedGrid, _ style: Series.Style) throws -> Series {
            Series(label: grid.label, x: grid.reader.steps.map(Double.init), y: try grid.sums(), style: style)
        }
        let own = try series(grid, .line)
        let ends = "\(Digits.three(own.y[0])) at first and \(Digits.three(own.y[own.y.count - 1])) at last"
        return GnuplotFigure(
            name: "population", title: "The sum of the state over all cells is \(ends)",
            panels: [Panel(xLabel: "step", yLabel: "sum of the state",
                           series: [own] + (try reference.map { [try series($0, .reference)] } ?? []))])
    }
}
