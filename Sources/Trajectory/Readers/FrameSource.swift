/// A trajectory that is read frame by frame, in memory of one frame.
public protocol FrameSource: AnyObject {
    /// Path of the file.
    var path: String { get }
    /// The species; complete once the first frame is read.
    var species: SpeciesTable { get }
    /// Fills `frame` with the next frame, atoms in ascending order of ids and inside the box along periodic axes.
    /// - Returns: false at the end of the trajectory.
    /// - Throws: `TrajectoryError` that names the file, line and frame. The frame's content is then undefined.
    func readFrame(into frame: inout AtomFrame) throws -> Bool
}

/// What the files leave open.
public struct ReadingOptions: Sendable, Equatable {
    /// Element symbols by LAMMPS type; nil to take them from the file.
    public var elements: [String]?
    /// Picoseconds a step; needed where a file gives no times.
    public var timestep: Double?
    /// Units of files that do not say theirs.
    public var units: Units

    public init(elements: [String]? = nil, timestep: Double? = nil, units: Units = .metal) {
        self.elements = elements
        self.timestep = timestep
        self.units = units
    }

    /// The species that `elements` names; nil if it names none.
    /// - Throws: `TrajectoryError` (64) if a symbol is of no element.
    func namedSpecies(file: String) throws -> SpeciesTable? {
        guard let elements else { return nil }
        if let table = SpeciesTable(symbols: elements), table.count > 0 { return table }
        let unknown = elements.first { PeriodicTable.atomicNumber(of: $0) == nil } ?? ""
        throw TrajectoryError(.usage, file: file, message: "elements: \"\(unknown)\" is no element's symbol")
    }
}

/// One of the readers of files, by what the file holds.
func openFrameSource(_ path: String, options: ReadingOptions) throws -> any FrameSource {
    switch try TrajectoryFormat.detect(path) {
    case .lammpsDump: try LAMMPSDumpReader(path, options: options)
    case .lammpsData: try LAMMPSDataReader(path, options: options)
    case .extendedXYZ: try ExtendedXYZReader(path, options: options)
    case .h5md: try H5MDFrameSource(path, options: options)
    }
}
