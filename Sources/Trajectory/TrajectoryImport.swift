import Diagnostics
import HDF5
import MPI

/// Turns trajectories of other programs into H5MD, frame by frame: memory is that of one frame.
public enum TrajectoryImport {
    /// What the sources leave open, and how the output is written.
    public struct Options: Sendable {
        /// Element symbols by type, time step, units.
        public var reading: ReadingOptions
        public var precision: H5MDOptions.Precision
        /// Deflate level 1 to 9; nil for none.
        public var deflate: Int?
        /// Every how many frames one is kept.
        public var every: Int
        /// What is known of the whole run, by name: attributes of `/particles/all/environment`.
        public var environment: [String: Double]
        /// The program's version, for provenance.
        public var version: String

        public init(reading: ReadingOptions = ReadingOptions(), precision: H5MDOptions.Precision = .float64,
                    deflate: Int? = nil, every: Int = 1, environment: [String: Double] = [:], version: String = "1") {
            self.reading = reading
            self.precision = precision
            self.deflate = deflate
            self.every = every
            self.environment = environment
            self.version = version
        }
    }

    /// What was imported.
    public struct Summary: Sendable, Equatable {
        public var atomCount: Int
        public var frameCount: Int
        /// Steps of the first and the last frame.
        public var firstStep, lastStep: Int64
        public var species: SpeciesTable
        public var hasVelocities: Bool
    }

    /// Imports one or more files, in order, as one trajectory. The format of each is found from its content.
    ///
    /// The output appears whole or not at all. A frame with the same step as the one before it (where a run was
    /// continued) is left out. Rank 0 reads; all ranks of the communicator write.
    ///
    /// - Parameters:
    ///   - communicator: nil for one process without MPI.
    ///   - progress: called on the reading rank with the number of frames after each.
    /// - Throws: `TrajectoryError` or `HDF5Error`, on all ranks: 66 for a missing file, 65 for a malformed or truncated
    ///   one, one with another number of atoms or other species, 64 for an option that is needed, 74 for the output.
    @discardableResult
    public static func run(sources: [String], output: String, communicator: Communicator? = nil,
                           options: Options = Options(), progress: ((Int) -> Void)? = nil) throws -> Summary {
        guard !sources.isEmpty else { throw TrajectoryError(.usage, file: output, message: "there is nothing to import") }
        guard options.every > 0, (1...9).contains(options.deflate ?? 1) else {
            throw TrajectoryError(.usage, file: output, message: "frames are kept every 1 or more, deflate levels are 1 to 9")
        }
        let isReader = communicator.map { $0.rank == 0 } ?? true
        func collectively<T>(_ body: () throws -> T) throws -> T { try communicator.map { try $0.agree(body) } ?? body() }
        let whole = try collectively { isReader ? try Output(output) : nil }
        let temporaryPath = try communicator?.broadcast(whole?.temporaryPath ?? "", root: 0) ?? whole?.temporaryPath ?? output

        do {
            let summary = try write(sources, to: temporaryPath, named: output, communicator, options, isReader, progress)
            try collectively { try whole?.commit() }
            return summary
        } catch {
            whole?.discard()
            throw error
        }
    }

    private static func write(_ sources: [String], to path: String, named output: String, _ communicator: Communicator?,
                              _ options: Options, _ isReader: Bool, _ progress: ((Int) -> Void)?) throws -> Summary {
        func collectively<T>(_ body: () throws -> T) throws -> T { try communicator.map { try $0.agree(body) } ?? body() }
        let queue = SourceQueue(sources, options: options.reading)
        var frame = AtomFrame()
        var writer: H5MDWriter?
        var read = 0, first: Int64 = 0, last: Int64 = 0
        while true {
            var hasFrame = try collectively { isReader ? try queue.readFrame(into: &frame) : false }
            hasFrame = try communicator?.broadcast(hasFrame, root: 0) ?? hasFrame
            guard hasFrame else { break }
            if writer == nil {
                var description = FirstFrame(frame, queue.species)
                if let communicator { description = try description.broadcast(communicator) }
                writer = try H5MDWriter.create(
                    path, communicator: communicator, atomCount: description.atomCount, species: description.species,
                    box: description.box, options: H5MDOptions(
                        precision: options.precision, hasVelocities: description.hasVelocities,
                        hasImages: description.hasImages, deflate: options.deflate,
                        hasWideIdentifiers: description.largestID > Int64(Int32.max),
                        observables: description.hasVirial ? Virial.observables : [], creatorVersion: options.version))
            }
            guard let writer else { throw TrajectoryError(.internal, file: output, message: "no writer was made") }
            if read % options.every == 0 {
                try writer.append(frame, observables: isReader ? frame.virial : writer.options.observables.map { _ in 0 })
                last = frame.step
                if writer.frameCount == 1 { first = frame.step }
                if isReader { progress?(writer.frameCount) }
            }
            read += 1
        }
        guard let writer else { throw TrajectoryError(file: sources[0], message: "it holds no frames") }
        try writeProvenance(in: writer.file, sources, options)
        if !options.environment.isEmpty {
            let group = try writer.file.root.createGroup("particles/all/environment")
            for (name, value) in options.environment.sorted(by: { $0.key < $1.key }) { try group.setAttribute(name, value) }
        }
        let summary = Summary(atomCount: writer.atomCount, frameCount: writer.frameCount,
                              firstStep: try communicator?.broadcast(first, root: 0) ?? first,
                              lastStep: try communicator?.broadcast(last, root: 0) ?? last,
                              species: writer.species, hasVelocities: writer.options.hasVelocities)
        try writer.close()
        return summary
    }

    /// No date: equal imports make equal files.
    private static func writeProvenance(in file: File, _ sources: [String], _ options: Options) throws {
        let group = try file.root.createGroup("provenance")
        try group.setAttribute("program", "sages import")
        try group.setAttribute("version", options.version)
        try group.setAttribute("sources", sources.map { $0.split(separator: "/").last.map(String.init) ?? $0 })
        try group.setAttribute("units", options.reading.units.rawValue)
        try group.setAttribute("every", Int64(options.every))
        if let timestep = options.reading.timestep { try group.setAttribute("timestep", timestep) }
        if let elements = options.reading.elements { try group.setAttribute("elements", elements) }
    }

    /// A `WholeFile` that lives as long as it is needed.
    private final class Output {
        private var file: WholeFile?
        let temporaryPath: String

        init(_ path: String) throws {
            let whole = try WholeFile(path)
            temporaryPath = whole.temporaryPath
            file = consume whole
        }

        func commit() throws { try file.take()?.commit() }
        func discard() { file.take()?.discardTemporary() }
    }
}
