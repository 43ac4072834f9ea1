/// Several trajectory files read as one.
final class SourceQueue {
    private let paths: [String]
    private let options: ReadingOptions
    private var next = 0
    private var current: (any FrameSource)?
    private var frameInFile = 0
    /// What the first frame has; later ones must have the same.
    private var reference: (path: String, ids: [Int64], hasVelocities: Bool, hasImages: Bool, hasVirial: Bool, box: SimulationBox, step: Int64)?
    private(set) var species = SpeciesTable(symbols: [], masses: [])

    init(_ paths: [String], options: ReadingOptions) {
        self.paths = paths
        self.options = options
    }

    /// Fills `frame` with the next frame of the next file that has one. A frame of the same step as the one before
    /// it is left out.
    /// - Returns: false after the last frame of the last file.
    func readFrame(into frame: inout AtomFrame) throws -> Bool {
        while true {
            if current == nil {
                guard next < paths.count else { return false }
                current = try openFrameSource(paths[next], options: options)
                next += 1
                frameInFile = 0
            }
            guard let source = current else { return false }
            guard try source.readFrame(into: &frame) else {
                if frameInFile == 0 { throw TrajectoryError(file: source.path, message: "it holds no frames") }
                current = nil
                continue
            }
            defer { frameInFile += 1 }
            if try accept(frame, of: source) { return true }
        }
    }

    private func accept(_ frame: AtomFrame, of source: any FrameSource) throws -> Bool {
        func failure(_ message: String) -> TrajectoryError {
            TrajectoryError(file: source.path, frame: frameInFile, message: message)
        }
        guard let reference else {
            species = source.species
            reference = (source.path, frame.ids, frame.hasVelocities, frame.hasImages, frame.hasVirial, frame.box, frame.step)
            return true
        }
        guard frame.count == reference.ids.count else {
            throw failure("it has \(frame.count) atoms, \(reference.path) has \(reference.ids.count): "
                          + "a number of atoms that changes is not supported")
        }
        guard frame.ids == reference.ids else { throw failure("its atoms have other ids than those of \(reference.path)") }
        guard frameInFile > 0 || source.species == species else {
            throw failure("its species are \(source.species.symbols), those of \(reference.path) \(species.symbols)")
        }
        guard frame.hasVelocities == reference.hasVelocities, frame.hasImages == reference.hasImages else {
            throw failure("either it or \(reference.path) has velocities or image flags, and the other has not")
        }
        guard frame.hasVirial == reference.hasVirial else {
            throw failure("either it or a frame of \(reference.path) has a virial, and the other has not")
        }
        guard (0..<3).allSatisfy({ frame.box.boundary($0) == reference.box.boundary($0) }) else {
            throw failure("its boundaries differ from those of \(reference.path)")
        }
        if frame.step == reference.step { return false }
        guard frame.step > reference.step else {
            throw failure("its step \(frame.step) comes after step \(reference.step): steps must ascend")
        }
        self.reference?.step = frame.step
        return true
    }
}
