/// What connects ranks: a message of n bytes takes latency + n / bandwidth (Hockney 1994).
public struct Network: Hashable, Sendable {
    /// Of a message, s.
    public var latency: Double
    /// Of one rank while all ranks send, bytes/s.
    public var bandwidth: Double

    public init(latency: Double, bandwidth: Double) {
        precondition(latency >= 0 && bandwidth > 0, "a latency and a bandwidth")
        self.latency = latency
        self.bandwidth = bandwidth
    }

    /// A network between nodes whose ranks share the bandwidth of their node: the pessimistic view that all traffic
    /// leaves the node.
    public init(latency: Double, nodeBandwidth: Double, ranksPerNode: Int) {
        self.init(latency: latency, bandwidth: nodeBandwidth / Double(ranksPerNode))
    }

    /// Fits both parameters to the times of a short and a long message.
    ///
    /// - Returns: nil unless the longer message takes longer.
    public init?(short: (bytes: Double, seconds: Double), long: (bytes: Double, seconds: Double)) {
        guard long.bytes > short.bytes, long.seconds > short.seconds, short.seconds >= 0 else { return nil }
        let bandwidth = (long.bytes - short.bytes) / (long.seconds - short.seconds)
        self.init(latency: max(0, short.seconds - short.bytes / bandwidth), bandwidth: bandwidth)
    }

    /// Seconds of one message.
    public func message(bytes: Double) -> Double { latency + bytes / bandwidth }

    /// Seconds of a sum over ranks whose result all ranks get: halving and doubling, 2 log2 P messages that carry
    /// 2 (P - 1) / P of the bytes (Thakur, Rabenseifner and Gropp 2005).
    public func allReduce(bytes: Double, ranks: Int) -> Double {
        guard ranks > 1 else { return 0 }
        return 2 * Double(Self.rounds(ranks)) * latency + 2 * Double(ranks - 1) / Double(ranks) * bytes / bandwidth
    }

    /// The least k with 2^k >= ranks.
    static func rounds(_ ranks: Int) -> Int { Int.bitWidth - (ranks - 1).leadingZeroBitCount }
}

/// A straight line through two measured times: seconds = fixed + perUnit units.
public struct LinearCost: Hashable, Sendable {
    /// s
    public var fixed: Double
    /// s
    public var perUnit: Double

    public init(fixed: Double, perUnit: Double) { (self.fixed, self.perUnit) = (fixed, perUnit) }

    /// - Returns: nil unless the second has more units. A negative share is taken as none.
    public init?(_ first: (units: Double, seconds: Double), _ second: (units: Double, seconds: Double)) {
        guard second.units > first.units, first.units >= 0 else { return nil }
        let slope = max(0, (second.seconds - first.seconds) / (second.units - first.units))
        perUnit = slope
        fixed = max(0, first.seconds - slope * first.units)
    }

    /// Seconds for a number of units.
    public func seconds(_ units: Double) -> Double { fixed + perUnit * units }
}

/// What a step takes, s.
public struct StepTime: Hashable, Sendable {
    /// Of the slowest rank.
    public var computation: Double
    /// All communication, as if nothing else went on.
    public var communication: Double
    /// The part of it that no computation hides.
    public var exposed: Double

    public init(computation: Double, communication: Double, exposed: Double) {
        (self.computation, self.communication, self.exposed) = (computation, communication, exposed)
    }

    public var total: Double { computation + exposed }
}
