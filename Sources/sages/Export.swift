import Diagnostics
import MPI
import Trajectory

/// `sages export`: an H5MD trajectory in another format.
struct Export: Verb {
    static let specification = VerbSpecification.export

    let input: String
    let output: String
    let format: TrajectoryExport.Format
    let frames: Range<Int>?

    init(_ arguments: Arguments) throws {
        input = arguments.positionals[0]
        output = try arguments.requiredText("out")
        let name = try arguments.requiredText("format")
        guard let format = TrajectoryExport.Format(rawValue: name) else {
            throw arguments.fault("option --format must be a known format, not '\(name)'")
        }
        self.format = format
        frames = try arguments.frames("frames")
        guard input != output else { throw arguments.fault("--out is the input; it would be overwritten") }
    }

    /// Rank 0 alone reads and writes.
    func run(_ communicator: Communicator) throws -> ExitStatus {
        guard communicator.rank == 0 else { return .success }
        try TrajectoryExport.run(input, format: format, output: output, frames: frames)
        print("\(output): \(format.rawValue) of \(input)")
        return .success
    }
}
