import Diagnostics

extension Communicator {
    /// Runs `body` on every rank and makes its failure everybody's: if it throws on any rank, every rank throws, so
    /// that all leave collective code together instead of some waiting for the others. Ranks on which `body` failed
    /// throw its error; the others throw a `RemoteRankError` with the lowest failing rank's message and exit status.
    ///
    /// `body` must not wait for another rank except through calls that fail on all ranks or on none.
    /// One reduction of a single integer where nothing fails. Collective.
    @inlinable
    public func agree<T>(_ body: () throws -> T) throws -> T {
        let result: T
        do {
            result = try body()
        } catch {
            // The error of the body goes first, even if telling the others fails.
            _ = try? firstFailure(local: error)
            throw error
        }
        if let remote = try firstFailure(local: nil) { throw remote }
        return result
    }

    /// The error of the lowest rank that gives one; nil if none does. Collective.
    @usableFromInline
    func firstFailure(local: (any Error)?) throws -> RemoteRankError? {
        let first = try allReduce(local == nil ? size : rank, .minimum)
        if first == size { return nil }
        let origin = local as? RemoteRankError
        let message = try broadcast(origin?.message ?? local.map { "\($0)" } ?? "", root: first)
        let status = try broadcast((local?.exitStatusOrInternal ?? .internal).rawValue, root: first)
        return RemoteRankError(rank: first, exitStatus: ExitStatus(rawValue: status) ?? .internal, message: message)
    }
}
