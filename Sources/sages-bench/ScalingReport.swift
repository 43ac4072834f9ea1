import Diagnostics
import Foundation
import PerformanceModel

/// The model of performance as text and as JSON.
struct ScalingReport {
    let options: BenchmarkOptions
    let ranks: Int
    /// Between ranks of this machine; nil where there is one rank.
    let machineNetwork: Network?
    /// What is stated is stated for this one.
    let network: Network
    let training: TrainingStep
    let simulation: SimulationStep
    let checks: [Scaling.Check]

    /// One statement: so many ranks, so much work.
    private struct Row {
        var ranks: Int
        var time: StepTime
        /// Over the rate of one rank times the ranks.
        var efficiency: Double
    }

    private struct Table {
        var title: String
        var rows: [Row]
    }

    private static let statedRanks = [64, 128, 256, 512, 1024, 2048, 4096]

    private var tables: [Table] {
        func trainingTable(_ title: String, _ samples: (Int) -> Int) -> Table {
            Table(title: title, rows: Self.statedRanks.map { ranks in
                let time = training.time(samples: samples(ranks), ranks: ranks, network: network)
                // Against a rank that has many samples to a step.
                return Row(ranks: ranks, time: time,
                           efficiency: training.cost.perUnit * Double(samples(ranks)) / Double(ranks) / time.total)
            })
        }
        func simulationTable(_ title: String, _ atoms: (Int) -> Double) -> Table {
            Table(title: title, rows: Self.statedRanks.map { ranks in
                let time = simulation.time(rows: atoms(ranks), ranks: ranks, network: network)
                return Row(ranks: ranks, time: time,
                           efficiency: simulation.cost.seconds(atoms(ranks) / Double(ranks)) / time.total)
            })
        }
        return [
            trainingTable("training, weak: 4 samples of 1,000 atoms a rank") { 4 * $0 },
            trainingTable("training, strong: 4,096 samples a step") { _ in 4096 },
            simulationTable("simulation, weak: 27,000 atoms a rank") { 27_000 * Double($0) },
            simulationTable("simulation, strong: 4,096,000 atoms") { _ in 4_096_000 },
        ]
    }

    private var assumptions: [String] {
        [
            "a message of n bytes takes latency + n / bandwidth; all traffic leaves the node, and the "
                + "\(options.ranksPerNode) ranks of a node share its \(number(1e-9 * options.nodeBandwidth)) GB/s",
            "sums over ranks by halving and doubling: 2 log2 P messages, 2 (P - 1) / P of the bytes",
            "every core computes as fast as one of this machine's did with all ranks at work",
            "the reduction hides behind a third of the last sample; exchanges hide behind interior cells, sums of "
                + "momentum and agreements behind nothing",
            "cubic periodic grids in nearly cubic boxes, atoms spread evenly; no noise of the system, no output",
        ]
    }

    // MARK: Text

    var text: String {
        var text = "Fitted in this run, \(ranks) rank\(ranks == 1 ? "" : "s") at work:\n"
        if let machineNetwork {
            text += "  between ranks   \(number(1e6 * machineNetwork.latency)) us, "
                + "\(number(1e-9 * machineNetwork.bandwidth)) GB/s\n"
        }
        text += "  training step   \(number(1e3 * training.cost.fixed)) ms + \(number(1e3 * training.cost.perUnit)) ms a "
            + "sample; \(number(1e-6 * training.reducedBytes)) MB reduced\n"
        text += "  simulation step \(number(1e6 * simulation.cost.fixed)) us + "
            + "\(number(1e6 * simulation.cost.perUnit)) us an atom; \(simulation.exchanges) exchanges, "
            + "\(simulation.reductions) reductions\n\n"
        if checks.isEmpty { text += "Not checked: run under mpirun -n 2 to predict and measure that run.\n" }
        for (index, check) in checks.enumerated() {
            if index == 0 { text += " predicted  measured    error   on \(ranks) ranks\n" }
            text += String(format: "%7.3f ms %6.3f ms %7.1f%%   ", 1e3 * check.predicted, 1e3 * check.measured,
                           100 * check.error) + check.what + "\n"
        }
        text += "\nStated for \(number(1e6 * network.latency)) us and \(number(1e-9 * network.bandwidth)) GB/s a rank:\n"
        for table in tables {
            text += "\n  \(table.title)\n   ranks      step  computing  exposed  efficiency\n"
            for row in table.rows {
                text += String(format: "  %6d %6.3f ms %7.3f ms %5.3f ms %9.1f%%\n", row.ranks, 1e3 * row.time.total,
                               1e3 * row.time.computation, 1e3 * row.time.exposed, 100 * row.efficiency)
            }
        }
        return text + "\nAssumptions:\n" + assumptions.map { "  - \($0)\n" }.joined()
    }

    private func number(_ value: Double) -> String { String(format: "%.4g", value) }

    // MARK: JSON

    func add(to members: inout JSONValue.Members) {
        members["fitted"] = .object([
            "latency": machineNetwork.map { .number($0.latency) } ?? .null,
            "bandwidth": machineNetwork.map { .number($0.bandwidth) } ?? .null,
            "trainingFixed": .number(training.cost.fixed), "trainingPerSample": .number(training.cost.perUnit),
            "reducedBytes": .number(training.reducedBytes), "simulationFixed": .number(simulation.cost.fixed),
            "simulationPerAtom": .number(simulation.cost.perUnit),
        ])
        members["checks"] = .array(checks.map {
            ["what": .string($0.what), "predicted": .number($0.predicted), "measured": .number($0.measured),
             "error": .number($0.error)]
        })
        members["statedFor"] = ["latency": .number(network.latency), "bandwidthPerRank": .number(network.bandwidth)]
        members["tables"] = .array(tables.map { table in
            ["title": .string(table.title), "rows": .array(table.rows.map {
                ["ranks": .integer($0.ranks), "seconds": .number($0.time.total),
                 "computation": .number($0.time.computation), "exposed": .number($0.time.exposed),
                 "efficiency": .number($0.efficiency)]
            })]
        })
        members["assumptions"] = .array(assumptions.map { .string($0) })
    }
}
