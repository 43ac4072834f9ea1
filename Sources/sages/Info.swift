import Diagnostics
import HDF5
import MPI

/// `sages info`: what a file is, its provenance and its shapes.
struct Info: Verb {
    static let specification = VerbSpecification.info

    let path: String
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        path = arguments.positionals[0]
        isJSON = arguments.isGiven("json")
    }

    /// Rank 0 alone reads and prints.
    func run(_ communicator: Communicator) throws -> ExitStatus {
        guard communicator.rank == 0 else { return .success }
        let file = try File.open(path)
        let summary = try FileSummary(file)
        try file.close()
        print(isJSON ? summary.json.text : summary.text)
        return .success
    }
}
