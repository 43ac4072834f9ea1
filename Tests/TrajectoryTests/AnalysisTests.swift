import Foundation
import Testing
@testable import Trajectory

/// SplitMix64, so that every run draws the same numbers.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Normally distributed (Box–Muller).
    mutating func normal() -> Double {
        let u = Double.random(in: Double.leastNormalMagnitude..<1, using: &self)
        let v = Double.random(in: 0..<1, using: &self)
        return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
    }
}

@Suite struct RadialDistributionTests {
    @Test func idealGasIsOne() {
        var generator = SeededGenerator(state: 1)
        let edges = [10.0, 12, 14]
        var distribution = RadialDistribution(cutoff: 3, bins: 30)
        for _ in 0..<40 {
            let positions = (0..<3 * 800).map { Double.random(in: 0..<1, using: &generator) * edges[$0 % 3] }
            distribution.add(positions: positions, edges: edges)
        }
        // The inner bins hold few pairs. 40 frames of 800 atoms: about 1% noise at r = 0.5.
        for (r, g) in zip(distribution.distances, distribution.values) where r > 0.5 {
            #expect(abs(g - 1) < 0.06, "g(\(r)) = \(g)")
        }
        let outer = zip(distribution.distances, distribution.values).filter { $0.0 > 1.5 }.map(\.1)
        #expect(abs(outer.reduce(0, +) / Double(outer.count) - 1) < 0.004)
    }

    /// Shells of diamond: 4 neighbors at √3/4 a, 12 at a/√2, 12 at √11/4 a, 6 at a.
    @Test func diamondHasItsShells() {
        let a = 3.567, n = 5
        let basis = [(0.0, 0.0, 0.0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
        var positions: [Double] = []
        for i in 0..<n { for j in 0..<n { for k in 0..<n { for (x, y, z) in basis { for shift in [0, 0.25] {
            // Shifted and partly outside of the box: positions are wrapped.
            positions += [(Double(i) + x + shift) * a - 1, (Double(j) + y + shift) * a, (Double(k) + z + shift) * a + 2]
        } } } } }
        let edge = a * Double(n)
        var distribution = RadialDistribution(cutoff: 4, bins: 400)
        distribution.add(positions: positions, edges: [edge, edge, edge])
        let atoms = Double(positions.count / 3)
        let density = (atoms - 1) / (edge * edge * edge)
        func neighbors(_ distance: Double) -> Double {
            zip(distribution.distances, distribution.values).filter { abs($0.0 - distance) < 0.03 }.reduce(0) { sum, bin in
                let inner = bin.0 - 0.005, outer = bin.0 + 0.005
                return sum + bin.1 * density * 4 * .pi / 3 * (outer * outer * outer - inner * inner * inner)
            }
        }
        #expect(abs(neighbors(a * 3.0.squareRoot() / 4) - 4) < 1e-9)
        #expect(abs(neighbors(a / 2.0.squareRoot()) - 12) < 1e-9)
        #expect(abs(neighbors(a * 11.0.squareRoot() / 4) - 12) < 1e-9)
        #expect(abs(neighbors(a) - 6) < 1e-9)
        #expect(neighbors(2.0) == 0)
    }

    @Test func cellListsAndAllPairsAgree() {
        var generator = SeededGenerator(state: 5)
        let edges = [10.0, 11, 12]
        let positions = (0..<3 * 300).map { Double.random(in: -1..<2, using: &generator) * edges[$0 % 3] }
        for cutoff in [1.1, 2.0, 3.3] {
            let cells = PairHistogram(positions: positions, edges: edges, cutoff: cutoff, bins: 50).counts
            var direct = [Int](repeating: 0, count: 50)
            for a in 0..<300 {
                for b in 0..<a {
                    let square = (0..<3).reduce(0.0) { sum, axis in
                        let d = (positions[3 * a + axis] - positions[3 * b + axis]).remainder(dividingBy: edges[axis])
                        return sum + d * d
                    }
                    if square < cutoff * cutoff { direct[min(49, Int(square.squareRoot() / cutoff * 50))] += 1 }
                }
            }
            #expect(cells.reduce(0, +) == direct.reduce(0, +))
            // A distance on the border of two bins may round to either.
            #expect(zip(cells, direct).map { abs($0 - $1) }.reduce(0, +) <= 2)
            #expect(cells.reduce(0, +) > 100)
        }
    }

    @Test func standardBinsFitTheBox() throws {
        #expect(try #require(RadialDistribution.standard(shortestEdge: 17.835)).distances.count == 160)
        let small = try #require(RadialDistribution.standard(shortestEdge: 5.03))
        #expect(small.distances.count == 50)
        #expect(abs(small.binWidth - 0.05) < 1e-12)
        #expect(RadialDistribution.standard(shortestEdge: 0.09) == nil)
    }

    @Test func largestDifferenceIsWhereItIs() {
        var a = RadialDistribution(cutoff: 2, bins: 20), b = RadialDistribution(cutoff: 2, bins: 20)
        a.add(positions: [0, 0, 0, 1.05, 0, 0], edges: [5, 5, 5])
        b.add(positions: [0, 0, 0, 1.05, 0, 0], edges: [5, 5, 5])
        #expect(a.largestDifference(from: b).difference == 0)
        b.add(positions: [0, 0, 0, 0.35, 0, 0], edges: [5, 5, 5])
        #expect(abs(a.largestDifference(from: b).distance - 0.35) < 1e-12)
    }
}

@Suite struct KineticStateTests {
    @Test func equipartition() {
        var generator = SeededGenerator(state: 3)
        let temperature = 1000.0
        let masses = (0..<20_000).map { $0 % 2 == 0 ? 12.011 : 1.008 }
        let velocities = masses.flatMap { mass -> [Double] in
            let sigma = (PhysicalConstants.boltzmann * temperature / (mass * PhysicalConstants.kineticEnergyUnit)).squareRoot()
            // A common drift is no heat.
            return (0..<3).map { _ in sigma * generator.normal() + 3 }
        }
        let state = KineticState(velocities: velocities, masses: masses)
        // The standard deviation of the temperature is T √(2 / 3N) = 5.8 K.
        #expect(abs(state.temperature - temperature) < 20)
        #expect(abs(state.momentum[0] / masses.reduce(0, +) - 3) < 0.2)
    }

    @Test func knownValue() {
        // Two atoms of 1 u at ±1 Å/ps: 1 u Å²/ps² in all, 1.0364e-4 eV; d = 3.
        let state = KineticState(velocities: [1, 0, 0, -1, 0, 0], masses: [1, 1])
        #expect(abs(state.kineticEnergy - 1.036426965e-4) < 1e-12)
        #expect(abs(state.temperature - 2 * 1.036426965e-4 / (3 * 8.617333262e-5)) < 1e-6)
        #expect(state.momentum == [0, 0, 0])
    }
}

@Suite struct AtomicMotionTests {
    @Test func unwrappingFollowsAnAtomAroundTheBox() {
        let frames = (0..<30).map { step -> [Double] in
            let x = 0.3 * Double(step)
            return [x.truncatingRemainder(dividingBy: 2), 5, 1, 0, 0, 0]
        }
        let edges = [[Double]](repeating: [2, 2, 2], count: 30)
        let unwrapped = AtomicMotion.unwrapped(frames, edges: edges, isPeriodic: [true, false, true])
        #expect(abs(unwrapped[29][0] - 8.7) < 1e-9)
        // Atom 1 rests, atom 0 went 8.7; without the drift each went 4.35.
        #expect(abs(AtomicMotion.meanSquareDisplacement(unwrapped)[29] - 4.35 * 4.35) < 1e-9)
    }

    @Test func oscillatorCorrelatesWithItsFrequency() throws {
        let frequency = 40.0, interval = 0.002
        var generator = SeededGenerator(state: 9)
        let phases = (0..<300).map { _ in Double.random(in: 0..<(2 * .pi), using: &generator) }
        let frames = (0..<400).map { step in phases.map { cos(2 * .pi * frequency * interval * Double(step) + $0) } }
        let correlation = AtomicMotion.velocityAutocorrelation(frames, maximumLag: 200)
        #expect(abs(correlation[0] - 1) < 1e-12)
        for lag in [5, 50, 100] {
            #expect(abs(correlation[lag] - cos(2 * .pi * frequency * interval * Double(lag))) < 0.1)
        }
        let (frequencies, values) = AtomicMotion.spectrum(correlation, interval: interval, points: 501)
        let peak = try #require(values.indices.max { values[$0] < values[$1] })
        #expect(abs(frequencies[peak] - frequency) < 1)
        #expect(frequencies.last == 250)
    }

    @Test func spectraDiffer() {
        #expect(AtomicMotion.difference(ofSpectra: [1, 2, 1], [2, 4, 2]) < 1e-12)
        #expect(abs(AtomicMotion.difference(ofSpectra: [1, 0, 0], [0, 3, 0]) - 1) < 1e-12)
        #expect(abs(AtomicMotion.difference(ofSpectra: [1, 1, 0, 0], [0, 1, 1, 0]) - 0.5) < 1e-12)
    }

    /// A wave of 0.3 Å around the face of a periodic box.
    @Test func sheetsHaveAnAmplitude() {
        let edges = [10.0, 8, 20]
        let positions = (0..<400).flatMap { atom -> [Double] in
            let x = Double(atom % 20) / 2, y = Double(atom / 20) * 0.4
            let height = 0.3 * sin(2 * .pi * x / edges[0])
            return [x, y, height < 0 ? height + edges[2] : height]
        }
        let periodic = [true, true, true]
        #expect(AtomicSheet.normal(positions: positions, edges: edges, isPeriodic: periodic) == 2)
        let amplitude = AtomicSheet.amplitude(positions: positions, edges: edges, axis: 2, isPeriodic: true)
        #expect(abs(amplitude - 0.3 / 2.0.squareRoot()) < 1e-12)
        // A crystal is no sheet.
        let crystal = (0..<64).flatMap { atom -> [Double] in
            let (x, y, z) = (Double(atom % 4), Double(atom / 4 % 4), Double(atom / 16))
            return [2.5 * x, 2 * y, 5 * z]
        }
        #expect(AtomicSheet.normal(positions: crystal, edges: edges, isPeriodic: periodic) == nil)
    }

    @Test func trendsHaveSlopesAndErrors() throws {
        #expect(LinearTrend([1], interval: 1) == nil)
        let line = try #require(LinearTrend((0..<50).map { 300 + 0.25 * Double($0) }, interval: 0.5))
        #expect(abs(line.slope - 0.5) < 1e-12 && (line.slopeError ?? 1) < 1e-12)
        #expect(try #require(LinearTrend([1, 3], interval: 1)).slopeError == nil)
        // Noise of a standard deviation of one at 1,000 times a unit apart: sqrt(12 / n^3).
        var generator = SeededGenerator(state: 4)
        let noisy = try #require(LinearTrend((0..<1000).map { _ in generator.normal() }, interval: 1))
        let expected = (12 / 1e9).squareRoot()
        #expect(abs((noisy.slopeError ?? 0) - expected) < 0.1 * expected)
        #expect(abs(noisy.slope) < 4 * expected)
    }

    @Test func sliceCountsAtomsAndSpeeds() {
        let slice = PlaneSlice(positions: [0.5, 0.5, 0.5, 0.6, 0.4, 0.1, 3.5, 1.5, 0.9, 1, 1, 5],
                               velocities: [3, 0, 0, 0, 4, 0, 0, 0, 2, 9, 9, 9], edges: [4, 2, 6], slab: 0..<1, binWidth: 1)
        #expect(slice.columns == 4 && slice.rows == 2)
        #expect(slice.occupancy == [2, 0, 0, 0, 0, 0, 0, 1])
        #expect(abs(slice.speed[0] - 12.5.squareRoot()) < 1e-12)
        #expect(slice.speed[7] == 2)
    }
}
