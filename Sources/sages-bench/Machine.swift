import Diagnostics
import Foundation
import MPI

/// What a figure was measured on and with.
enum Machine {
    /// Processor, build, MPI and ranks, for the reports. Collective.
    static func description(_ communicator: Communicator) throws -> JSONValue.Members {
        let node = try communicator.splitByNode()
        return [
            "version": .string(BuildInformation.version), "commit": .string(BuildInformation.commit ?? "unknown"),
            "architecture": .string(BuildInformation.architecture ?? "unknown"),
            "instructionSets": .array(
                BuildInformation.instructionSets.filter(\.isRequired).map { .string($0.name) }),
            "flags": .string(flags), "processor": .string(processor),
            "processors": .integer(ProcessInfo.processInfo.activeProcessorCount), "ranks": .integer(communicator.size),
            "ranksOnFirstNode": .integer(try communicator.broadcast(node.size, root: 0)), "threadsPerRank": 1,
            "mpi": .string(MPIEnvironment.libraryVersion),
        ]
    }

    /// How the kernels were compiled: what Package.swift says.
    private static var flags: String {
        "kernels: -O -Ounchecked -Xcc -march=\(BuildInformation.architecture ?? "unknown"); the rest: -O"
    }

    private static var processor: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
    }
}
