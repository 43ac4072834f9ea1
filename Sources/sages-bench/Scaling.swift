import CMessageObserver
import Diagnostics
import Foundation
import Kernels
import MPI
import PerformanceModel
import Tensor

/// A model of performance: fitted to this machine in the same run, checked against the measured run on all ranks that
/// there are, and stated for more ranks than there are.
struct Scaling {
    static let name = "model"
    static let summary = "model of a training and a simulation step on 64 to 4,096 ranks, checked on the ranks given"

    let options: BenchmarkOptions
    let communicator: Communicator
    private let step = StepModel()

    init(_ options: BenchmarkOptions, _ communicator: Communicator) {
        (self.options, self.communicator) = (options, communicator)
    }

    /// A prediction beside what was measured, s.
    struct Check {
        var what: String
        var predicted: Double
        var measured: Double
        var error: Double { predicted / measured - 1 }
    }

    func run() throws {
        // Every rank alone and all at once: cores share caches and memory in the runs to be predicted, too.
        let alone = Communicator.selfOnly
        let network = try fittedNetwork()
        let training = try fittedTraining(alone)
        let simulation = try fittedSimulation(alone)
        let checks = communicator.size > 1 ? try self.checks(training, simulation, network) : []
        guard communicator.rank == 0 else { return }
        let target = Network(
            latency: options.latency, nodeBandwidth: options.nodeBandwidth, ranksPerNode: options.ranksPerNode)
        let report = ScalingReport(
            options: options, ranks: communicator.size, machineNetwork: network, network: target, training: training,
            simulation: simulation, checks: checks)
        if options.isJSON {
            var members = try Machine.description(.selfOnly)
            members["ranks"] = .integer(communicator.size)
            members["benchmark"] = .string(Self.name)
            report.add(to: &members)
            Command.output(JSONValue.object(members).text + "\n")
        } else {
            Command.output(report.text)
        }
    }

    // MARK: Fits

    /// Latency and bandwidth between ranks 0 and 1 while both send; nil with one rank. Collective.
    private func fittedNetwork() throws -> Network? {
        guard communicator.size > 1 else { return nil }
        let (short, long) = (8, 1 << 18)
        guard let times = try? [short, long].map({ (Double($0), try exchangeSeconds(bytes: $0)) }) else { return nil }
        let shared = try communicator.broadcast(times.map { $0.1 }, root: 0)
        return Network(short: (times[0].0, shared[0]), long: (times[1].0, shared[1]))
    }

    private func exchangeSeconds(bytes: Int) throws -> Double {
        let requests = RequestSet(communicator: communicator, capacity: 2)
        let (sent, received) = (Buffer<Int8>(repeating: 0, count: bytes), Buffer<Int8>(repeating: 0, count: bytes))
        let partner = communicator.rank ^ 1
        return try median(calls: 200) {
            guard partner < 2 && communicator.rank < 2 else { return }
            try requests.startReceive(received.span, from: partner, tag: 1)
            try requests.startSend(UnsafeBufferPointer(sent.span), to: partner, tag: 1)
            try requests.wait()
        }
    }

    private func fittedTraining(_ alone: Communicator) throws -> TrainingStep {
        let seconds = try [1, 3].map { samples in
            let work = try TrainingWork(step, samples: samples, communicator: alone)
            return (Double(samples), try slowest(median(calls: 5) { try work.step() }))
        }
        let work = try TrainingWork(step, communicator: alone)
        guard let cost = LinearCost(seconds[0], seconds[1]) else { preconditionFailure("three samples are more than one") }
        // Gradients of the second energy are complete when half of the backward pass, two thirds of a sample, is left.
        return TrainingStep(
            cost: cost, reducedBytes: Double(MemoryLayout<Float.FixedPoint>.size * work.parameterCount), overlap: 1.0 / 3)
    }

    /// Rows of the two simulations that are fitted: diamond of 8 n^3 atoms.
    private static let sizes = [6, 12]

    private func fittedSimulation(_ alone: Communicator) throws -> SimulationStep {
        let seconds = try Self.sizes.map { size in
            let work = try SimulationWork(step, cells: size, communicator: alone)
            let time = try slowest(median(calls: size > 8 ? 2 : 8) { try work.step() })
            return (Double(work.networkCells), time)
        }
        guard let cost = LinearCost(seconds[0], seconds[1]) else { preconditionFailure("the second is larger") }
        let counts = try messageCounts()
        return SimulationStep(
            cost: cost, occupancy: 0.125, exchanges: counts.exchanges, bytesPerRow: 4 * Double(step.channels),
            reductions: counts.reductions, overlap: 1)
    }

    /// Exchanges and sums of a simulation step: those of a step on these ranks, or with one rank those of the network.
    /// Collective.
    private func messageCounts() throws -> (exchanges: Int, reductions: Int) {
        let known = StepCounts(step)
        guard communicator.size > 1 else { return (known.exchanges, known.reductions) }
        let work = try SimulationWork(step, cells: Self.sizes[0], communicator: communicator)
        try work.step()
        sages_message_counts_reset()
        try work.step()
        let counts = sages_message_counts_now()
        let halo = Halo(cells: 8 * Double(work.networkCells), ranks: communicator.size)
        return (Int(counts.messages) / halo.messages, Int(counts.collectives))
    }

    // MARK: Checks

    /// Steps on all ranks, predicted and measured. Collective.
    private func checks(_ training: TrainingStep, _ simulation: SimulationStep, _ network: Network?) throws -> [Check] {
        guard let network else { return [] }
        let ranks = communicator.size
        var checks: [Check] = []
        for samples in [ranks, 4 * ranks] {
            let work = try TrainingWork(step, samples: samples, communicator: communicator)
            checks.append(
                Check(
                    what: "training, \(samples) samples a step",
                    predicted: training.time(samples: samples, ranks: ranks, network: network).total,
                    measured: try slowest(median(calls: 4) { try work.step() })))
        }
        for size in [5, 10] {
            let work = try SimulationWork(step, cells: size, communicator: communicator)
            let rows = Double(work.networkCells)
            checks.append(
                Check(
                    what: "simulation, \(Int(rows)) atoms",
                    predicted: simulation.time(rows: rows, ranks: ranks, network: network).total,
                    measured: try slowest(median(calls: size > 8 ? 3 : 10) { try work.step() })))
        }
        return checks
    }

    /// The median over nine repeats of the time of one call, s, after one warm-up.
    private func median(calls: Int, _ body: () throws -> Void) throws -> Double {
        var times: [Double] = []
        for _ in 0...9 {
            try communicator.barrier()
            let start = BenchmarkClock.wall.seconds
            for _ in 0..<calls { try body() }
            times.append((BenchmarkClock.wall.seconds - start) / Double(calls))
        }
        return times.dropFirst().sorted()[4]
    }

    private func slowest(_ seconds: Double) throws -> Double { try communicator.allReduce(seconds, .maximum) }
}
