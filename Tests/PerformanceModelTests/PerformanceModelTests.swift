import PerformanceModel
import Testing

@Suite struct NetworkTests {
    @Test func fitRecoversTheParameters() throws {
        let network = Network(latency: 3e-6, bandwidth: 8e9)
        let (short, long) = (network.message(bytes: 8), network.message(bytes: 1e6))
        let fitted = try #require(Network(short: (8, short), long: (1e6, long)))
        #expect(abs(fitted.latency - 3e-6) < 1e-12)
        #expect(abs(fitted.bandwidth / 8e9 - 1) < 1e-9)
        #expect(Network(short: (8, 2e-6), long: (1024, 1e-6)) == nil)
    }

    @Test func ranksShareTheBandwidthOfTheirNode() {
        #expect(Network(latency: 1e-6, nodeBandwidth: 64e9, ranksPerNode: 64).bandwidth == 1e9)
    }

    // One MB at 1 GB/s, and messages of 1 us: 2 log2 P of them.
    @Test(arguments: [(1, 0.0), (2, 1.002e-3), (4, 1.504e-3), (64, 1.98075e-3)])
    func sumOverRanks(_ ranks: Int, _ seconds: Double) {
        let network = Network(latency: 1e-6, bandwidth: 1e9)
        #expect(abs(network.allReduce(bytes: 1e6, ranks: ranks) - seconds) < 1e-12)
    }

    @Test func aLineThroughTwoTimes() throws {
        let cost = try #require(LinearCost((1, 5), (3, 9)))
        #expect(cost == LinearCost(fixed: 3, perUnit: 2))
        #expect(cost.seconds(10) == 23)
        #expect(LinearCost((3, 1), (3, 2)) == nil)
        // More work in less time is noise, not a negative cost.
        #expect(LinearCost((1, 5), (2, 4))?.perUnit == 0)
    }
}

@Suite struct TrainingStepTests {
    let step = TrainingStep(cost: LinearCost(fixed: 1e-3, perUnit: 10e-3), reducedBytes: 1e6, overlap: 0.5)

    @Test func theFullestRankDecides() {
        let network = Network(latency: 0, bandwidth: 1e12)
        #expect(abs(step.time(samples: 5, ranks: 2, network: network).computation - 31e-3) < 1e-12)
        #expect(step.time(samples: 5, ranks: 1, network: network).communication == 0)
    }

    @Test func computationHidesWhatItCan() {
        // 2 MB/(1 GB/s) x 1/2 = 1 ms on two ranks: below the 5 ms of backward.
        #expect(step.time(samples: 2, ranks: 2, network: Network(latency: 0, bandwidth: 1e9)).exposed == 0)
        // 10 ms: 5 of them stay.
        let slow = step.time(samples: 2, ranks: 2, network: Network(latency: 0, bandwidth: 1e8))
        #expect(abs(slow.communication - 10e-3) < 1e-12)
        #expect(abs(slow.exposed - 5e-3) < 1e-12)
        #expect(abs(slow.total - 16e-3) < 1e-12)
    }
}

@Suite struct SimulationStepTests {
    @Test(arguments: [
        (1, [1, 1, 1]), (2, [2, 1, 1]), (4, [2, 2, 1]), (6, [3, 2, 1]), (8, [2, 2, 2]), (12, [3, 2, 2]),
        (64, [4, 4, 4]), (4096, [16, 16, 16]), (7, [7, 1, 1]),
    ])
    func partsAreNearlyCubes(_ ranks: Int, _ parts: [Int]) {
        #expect(Halo(cells: 1e6, ranks: ranks).parts == parts)
    }

    @Test func haloOfASlabAndOfACube() {
        // 20^3 cells in two slabs of 10: two faces, and nothing beside the uncut axes.
        let slab = Halo(cells: 8000, ranks: 2)
        #expect(slab.messages == 2)
        #expect(abs(slab.ghostCells - 800) < 1e-6)
        #expect(abs(slab.interiorShare - 0.8) < 1e-9)
        let cube = Halo(cells: 8000, ranks: 8)
        #expect(cube.messages == 26)
        #expect(abs(cube.ghostCells - (1728 - 1000)) < 1e-6)
        #expect(abs(cube.interiorShare - 0.512) < 1e-9)
        let alone = Halo(cells: 8000, ranks: 1)
        #expect(alone.messages == 0)
        #expect(abs(alone.ghostCells) < 1e-6)
    }

    @Test func timeOfAStep() {
        let step = SimulationStep(
            cost: LinearCost(fixed: 0, perUnit: 1e-6), occupancy: 0.125, exchanges: 10, bytesPerRow: 128, reductions: 2,
            overlap: 0)
        let network = Network(latency: 1e-6, bandwidth: 1e9)
        let serial = step.time(rows: 1000, ranks: 1, network: network)
        #expect(serial == StepTime(computation: 1e-3, communication: 0, exposed: 0))
        // Two ranks: 100 ghost rows of 128 bytes in two messages, ten times; two sums of two messages.
        let two = step.time(rows: 1000, ranks: 2, network: network)
        let exchanges = 10 * (2e-6 + 12_800 / 1e9)
        let sums = 2 * (2e-6 + 64 / 1e9)
        #expect(abs(two.computation - 0.5e-3) < 1e-12)
        #expect(abs(two.communication - exchanges - sums) < 1e-12)
        #expect(abs(two.exposed - two.communication) < 1e-15)
        var hiding = step
        hiding.overlap = 1
        // The interior computes longer than the exchanges take; sums cannot be hidden.
        #expect(abs(hiding.time(rows: 1000, ranks: 2, network: network).exposed - sums) < 1e-12)
    }
}
