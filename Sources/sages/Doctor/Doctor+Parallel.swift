import Diagnostics
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
        var mask = processorMask()
        let own = mask.reduce(0) { $0 + $1.nonzeroBitCount }
        // Processors that the ranks of this node may use, together.
        try mask.withUnsafeMutableBufferPointer { try node.allReduce($0, .bitwiseOr) }
        let available = mask.reduce(0) { $0 + $1.nonzeroBitCount }
        let nodes = try communicator.allReduce(node.rank == 0 ? 1 : 0, .sum)
        let text = "\(nodes) node\(nodes == 1 ? "" : "s"), \(node.size) rank\(node.size == 1 ? "" : "s") and \(available) processors on "
            + "\(MPIEnvironment.processorName), \(own) for a rank"
            + (own > 1 && node.size * own <= available ? ": --threads up to \(own) helps" : "")
        let finding: Finding = available > 0 && node.size > available
            ? .warning("placement", text, hint: "more ranks than processors: each gets a part of one")
            : .ok("placement", text)
        return try finding.worst(communicator)
    }

    /// The processors that this process may run on, 4,096 bits, low ones first; all zero where Linux does not say.
    private static func processorMask() -> [UInt32] {
        var words = [UInt32](repeating: 0, count: 128)
        guard let file = fopen("/proc/self/status", "r") else { return words }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("Cpus_allowed:") else { continue }
            // Words of 32 bits in hexadecimal, high ones first: "ff,ffffffff".
            let digits = text.dropFirst("Cpus_allowed:".count).filter { !$0.isWhitespace }
            for (index, word) in digits.split(separator: ",").reversed().enumerated() where index < words.count {
                words[index] = UInt32(word, radix: 16) ?? 0
            }
            break
        }
        return words
    }
}
