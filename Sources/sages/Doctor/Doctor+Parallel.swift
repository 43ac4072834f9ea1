import Diagnostics
import HDF5
import MPI
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// MPI, the placing of ranks, and files that all ranks write. All collective.
extension Doctor {
    /// A message around the ring of all ranks and a reduction.
    static func messagePassing(_ communicator: Communicator) throws -> Finding {
        let rank = communicator.rank, size = communicator.size
        let begin = MPIEnvironment.wallTime()
        var wrong = 0
        // Each rank's number goes once around.
        var token = rank
        for hop in 1...size {
            let requests = RequestSet(communicator: communicator, capacity: 2)
            let outgoing = [token]
            var incoming = [-1]
            try outgoing.withUnsafeBufferPointer { sent in
                try incoming.withUnsafeMutableBufferPointer { received in
                    try requests.startReceive(received, from: (rank + size - 1) % size, tag: 7)
                    try requests.startSend(sent, to: (rank + 1) % size, tag: 7)
                    try requests.wait()
                }
            }
            token = incoming[0]
            if token != (rank + size - hop) % size { wrong += 1 }
        }
        let sum = try communicator.allReduce(rank + 1, .sum)
        if sum != size * (size + 1) / 2 { wrong += 1 }
        wrong = try communicator.allReduce(wrong, .sum)
        let seconds = MPIEnvironment.wallTime() - begin
        let text = "\(MPIEnvironment.libraryVersion.split(separator: ",").first ?? "MPI"), \(size) rank\(size == 1 ? "" : "s")"
        guard wrong == 0 else {
            return .failure("mpi", "\(text): \(wrong) messages of the ring were wrong",
                            hint: "the MPI of mpirun is another than the one linked; see: ldd $(which sages)")
        }
        return .ok("mpi", "\(text), ring in \((seconds * 1e5).rounded() / 1e2) ms")
    }

    /// Ranks on nodes, and whether each rank has a processor of its own.
    static func placement(_ communicator: Communicator, node: Communicator) throws -> Finding {
        var set = cpu_set_t()
        let isKnown = sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0
        let own = withUnsafeBytes(of: set) { bytes in bytes.reduce(0) { $0 + $1.nonzeroBitCount } }
        // Processors that the ranks of this node may use, together.
        var shared = withUnsafeBytes(of: set) { Array($0) }
        try shared.withUnsafeMutableBufferPointer { try node.allReduce($0, .bitwiseOr) }
        let available = shared.reduce(0) { $0 + $1.nonzeroBitCount }
        let nodes = try communicator.allReduce(node.rank == 0 ? 1 : 0, .sum)
        let text = "\(nodes) node\(nodes == 1 ? "" : "s"), \(node.size) ranks and \(available) processors on "
            + "\(MPIEnvironment.processorName), \(own) for a rank"
        let finding: Finding = isKnown && node.size > available
            ? .warning("placement", text, hint: "more ranks than processors: each gets a part of one")
            : .ok("placement", text)
        return try finding.worst(communicator)
    }
}
