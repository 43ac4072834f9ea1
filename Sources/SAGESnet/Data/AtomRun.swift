import Foundation
import Grid
import HDF5
import Tensor
import Trajectory

/// One trajectory for training or evaluation: the frames that a rank asks for, read when it first does, and kept as far as
/// memory is given for them.
public final class AtomRun {
    /// Atoms of one frame.
    public struct Frame {
        /// Multiples of `AtomGrid.quantum`. [N, 3]
        public let positions: Buffer<Double>
        /// [N, 3]
        public let velocities: Buffer<Double>
        public let box: SimulationBox
        /// `Virial.components`, eV; empty where the file has none.
        let virial: [Double]
    }

    public let path: String
    public let atomCount: Int
    public let frameCount: Int
    public let ids: [Int64]
    /// Index of each atom's element among the model's. [N]
    public let elements: [Int32]
    /// The first element's mass over the atom's. [N]
    public let mobility: [Double]
    /// u. [N]
    public let masses: [Double]
    /// Who the atoms are, in the file's and the model's terms.
    let table: AtomTable
    /// Time between frames that follow one another, ps; between others is more.
    public let timeStep: Double
    /// Of each frame, in the file's own count.
    var steps: [Int64] { reader.steps }
    /// Of each frame, ps.
    var times: [Double] { reader.times }
    /// How many frames follow each at intervals of `timeStep`.
    private let following: [Int]
    /// Of the run: the file's attribute of the variable's name under `/particles/all/environment`; else the mean kinetic
    /// temperature for `temperature`, the mean over the time steps for strain rates, and 0 for others.
    public let environment: [Double]
    /// For `GridOrigin.aligned`: from the first frame.
    public let alignment: GridAlignment

    private let reader: H5MDReader
    private var frames: [Frame?]
    /// Indices of the frames in memory, and which of them goes next: the one that has been there longest.
    private var kept: [Int] = []
    private var oldest = 0
    /// How many frames may stay in memory.
    let frameCapacity: Int

    /// Bytes of frames that all runs of a training keep on a rank. Frames beyond are read again when their turn comes,
    /// which takes less than a hundredth of what a network computes with them.
    public static let memory = 1 << 30

    /// Opens a trajectory for a model. Not collective: every rank opens the file for itself.
    ///
    /// - Parameter memory: bytes of frames that may stay in memory; two frames always may.
    /// - Throws: `HDF5Error`, `TrajectoryError`; `SAGESnetError.unsuitableData` if there are no velocities, fewer than
    ///   two frames or times that do not ascend, `unknownElement`.
    public convenience init(
        _ path: String, for configuration: SAGESnetConfiguration, memory: Int = AtomRun.memory
    ) throws {
        try self.init(
            path, elements: configuration.elements, environment: configuration.environment, memory: memory
        ) { try AtomGrid(box: $0, for: configuration).cellSize }
    }

    /// As above, for a model of these elements and environment variables.
    ///
    /// - Parameter cellSize: edge lengths of the cells of the model's grid over a box.
    init(
        _ path: String, elements known: [String], environment variables: [EnvironmentVariable] = [],
        memory: Int = AtomRun.memory, cellSize: (SimulationBox) throws -> SIMD3<Double>
    ) throws {
        let reader = try H5MDReader(path)
        func unsuitable(_ reason: String) -> SAGESnetError { .unsuitableData(file: path, reason: reason) }
        guard reader.hasVelocities else { throw unsuitable("it has no velocities") }
        guard reader.frameCount >= 2 else { throw unsuitable("it has fewer than two frames") }
        let steps = zip(reader.times.dropFirst(), reader.times).map { $0 - $1 }
        guard let least = steps.min(), least > 0, let step = steps.first(where: { $0 <= least * (1 + 1e-6) }) else {
            throw unsuitable("the times of its frames do not ascend")
        }
        var following = [Int](repeating: 0, count: reader.frameCount)
        for frame in steps.indices.reversed() where abs(steps[frame] - step) <= 1e-6 * step {
            following[frame] = following[frame + 1] + 1
        }
        self.following = following
        self.path = path
        self.reader = reader
        atomCount = reader.atomCount
        frameCount = reader.frameCount
        timeStep = step
        let table = try AtomTable(reader, atoms: 0..<reader.atomCount, knownElements: known)
        self.table = table
        (ids, elements, masses, mobility) = (table.ids, table.elements, table.masses, table.mobility)
        frames = Array(repeating: nil, count: reader.frameCount)
        // Positions and velocities in double precision.
        frameCapacity = min(reader.frameCount, max(2, memory / (48 * reader.atomCount)))

        let first = try AtomRun.read(reader, 0)
        let size = try cellSize(first.box)
        var alignment = GridAlignment()
        for atom in 0..<atomCount {
            let p = first.positions.pointer + 3 * atom
            alignment.add(SIMD3(p[0], p[1], p[2]), box: first.box, cellSize: size)
        }
        self.alignment = alignment
        environment = try variables.map { variable in
            if let stored = try AtomRun.storedEnvironment(reader, variable) { return stored }
            if variable == .temperature { return try AtomRun.meanTemperature(reader, masses: table.masses) }
            for axis in 0..<3 where variable == .strainRate(axis) {
                return try AtomRun.strainRate(reader, axis, following: following, timeStep: step)
            }
            return 0
        }
    }

    /// The frames that so many others follow, each a time step after the one before.
    public func starts(steps: Int) -> [Int] { following.indices.filter { following[$0] >= steps } }

    /// How many frames follow one, each a time step after the one before.
    func following(_ frame: Int) -> Int { following[frame] }

    /// A frame, read on first use.
    ///
    /// - Parameter isKept: whether it stays in memory for the next use; a single pass over long data keeps nothing.
    public func frame(_ index: Int, keeping isKept: Bool = true) throws -> Frame {
        if let frame = frames[index] { return frame }
        let frame = try AtomRun.read(reader, index)
        if isKept { keep(frame, index) }
        return frame
    }

    /// How many frames are in memory.
    var keptFrames: Int { kept.count }

    private func keep(_ frame: Frame, _ index: Int) {
        frames[index] = frame
        if kept.count < frameCapacity { return kept.append(index) }
        frames[kept[oldest]] = nil
        kept[oldest] = index
        oldest = (oldest + 1) % frameCapacity
    }

    private static func read(_ reader: H5MDReader, _ index: Int) throws -> Frame {
        let count = 3 * reader.atomCount
        let (positions, velocities) = (Buffer<Double>(repeating: 0, count: count), Buffer<Double>(repeating: 0, count: count))
        let (frames, atoms) = (index..<(index + 1), 0..<reader.atomCount)
        try reader.read(.position, frames: frames, atoms: atoms, into: positions.span, transfer: .independent)
        try reader.read(.velocity, frames: frames, atoms: atoms, into: velocities.span, transfer: .independent)
        for component in 0..<count {
            guard positions.pointer[component].isFinite, velocities.pointer[component].isFinite else {
                throw SAGESnetError.unsuitableData(
                    file: reader.path, reason: "frame \(index) has a position or velocity that is not a finite number")
            }
            positions.pointer[component] = AtomGrid.quantized(positions.pointer[component])
        }
        return Frame(positions: positions, velocities: velocities, box: try reader.box(frame: index),
                     virial: try reader.virial(frame: index))
    }

    /// The mean over the steps between frames of the growth of an edge's logarithm, 1/ps.
    private static func strainRate(
        _ reader: H5MDReader, _ axis: Int, following: [Int], timeStep: Double
    ) throws -> Double {
        let starts = following.indices.filter { following[$0] > 0 }
        let sum = try starts.reduce(0.0) { sum, frame in
            let (before, after) = (try reader.box(frame: frame), try reader.box(frame: frame + 1))
            return sum + log(after.edges[axis] / before.edges[axis])
        }
        return starts.isEmpty ? 0 : sum / (Double(starts.count) * timeStep)
    }

    private static func storedEnvironment(_ reader: H5MDReader, _ variable: EnvironmentVariable) throws -> Double? {
        let root = try reader.file.root
        guard root.exists("particles/all/environment") else { return nil }
        let group = try root.group("particles/all/environment")
        guard group.hasAttribute(variable.rawValue) else { return nil }
        return try group.attribute(variable.rawValue, as: Double.self).first
    }

    /// The mean over at most 32 frames of the kinetic temperature, K.
    private static func meanTemperature(_ reader: H5MDReader, masses: [Double]) throws -> Double {
        let stride = max(1, reader.frameCount / 32)
        let indices = Array(Swift.stride(from: 0, to: reader.frameCount, by: stride))
        let sum = try indices.reduce(0.0) { sum, index in
            let velocities = try read(reader, index).velocities
            return sum + KineticState(velocities: UnsafeBufferPointer(velocities.span), masses: masses).temperature
        }
        return sum / Double(indices.count)
    }
}

/// Who the atoms of a file are, in the terms of a model.
public struct AtomTable: Sendable {
    public let ids: [Int64]
    /// Index in the file's species table. [N]
    public let speciesIndices: [Int32]
    /// Index among the model's elements. [N]
    public let elements: [Int32]
    /// u. [N]
    public let masses: [Double]
    /// The first element's mass over the atom's. [N]
    public let mobility: [Double]
    public let species: SpeciesTable

    /// Reads ids and species of a range of atoms, in the order of ids.
    ///
    /// - Throws: `SAGESnetError.unknownElement`, and `unsuitableData` for a file without symbols and masses.
    public init(_ reader: H5MDReader, atoms: Range<Int>, knownElements: [String]) throws {
        guard let table = reader.species else {
            throw SAGESnetError.unsuitableData(file: reader.path, reason: "it does not say which elements its atoms are")
        }
        var index: [Int32] = []
        for symbol in table.symbols { index.append(Int32(knownElements.firstIndex(of: symbol) ?? -1)) }
        var ids = [Int64](repeating: 0, count: atoms.count)
        var species = [Int32](repeating: 0, count: atoms.count)
        try ids.withUnsafeMutableBufferPointer {
            try reader.read(.id, frames: 0..<1, atoms: atoms, into: $0, transfer: .independent)
        }
        try species.withUnsafeMutableBufferPointer {
            try reader.read(.species, frames: 0..<1, atoms: atoms, into: $0, transfer: .independent)
        }
        elements = try species.map { kind in
            guard kind >= 0, kind < index.count else {
                throw SAGESnetError.unsuitableData(file: reader.path, reason: "species \(kind) has no symbol")
            }
            guard index[Int(kind)] >= 0 else {
                throw SAGESnetError.unknownElement(
                    file: reader.path, element: table.symbols[Int(kind)], known: knownElements)
            }
            return index[Int(kind)]
        }
        masses = species.map { table.masses[Int($0)] }
        let reference = PeriodicTable.weight(of: knownElements[0]) ?? 1
        mobility = masses.map { reference / $0 }
        self.ids = ids
        speciesIndices = species
        self.species = table
    }
}
