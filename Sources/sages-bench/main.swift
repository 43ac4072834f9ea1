import Diagnostics
import Foundation

do {
    try Command.run(Array(CommandLine.arguments.dropFirst()))
} catch let error as any SAGESError {
    FileHandle.standardError.write(Data("sages-bench: \(error)\n".utf8))
    exit(error.exitStatus.rawValue)
}
