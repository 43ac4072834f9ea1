import Tensor
import Testing
@testable import Kernels

/// Sums over pairs and angles beside plain loops: more pairs than a strip, partial vectors, atoms without neighbors.
struct PairKernelTests {
    @Test(arguments: [1, 3]) func pairs(_ elements: Int) {
        comparePairs(Float.self, elements, tolerance: 2e-5)
        comparePairs(Double.self, elements, tolerance: 1e-12)
    }

    private func comparePairs<T: KernelScalar>(_: T.Type, _ elements: Int, tolerance: Double) {
        var random = Philox(seed: 5)
        let atoms = 90
        let places = (0..<(3 * atoms)).map { _ in T(2.4 * random.nextUniform()) }
        let shifts = (0..<6).map { T($0) * T(0.1) }
        let occupancy = (0..<(atoms * elements)).map { _ in T(random.nextUniform()) }
        // The first sees all others, the second none.
        var (starts, neighbors, directions): ([Int32], [Int32], [Int32]) = ([0], [], [])
        for atom in 0..<atoms {
            for other in 0..<atoms where other != atom && (atom == 0 || (atom > 1 && other % atom == 1)) {
                neighbors.append(Int32(other))
                directions.append(Int32(other % 2))
            }
            starts.append(Int32(neighbors.count))
        }
        let basis = PairBasis(count: 5, cutoff: 2, amplitude: 6)
        let (held, indices) = ([places, shifts, occupancy].map(copy), [starts, neighbors, directions].map(copy))
        defer {
            held.forEach { $0.deallocate() }
            indices.forEach { $0.deallocate() }
        }
        let rows = PairRows(
            places: held[0], shifts: held[1], occupancy: elements > 1 ? held[2] : nil, elements: elements,
            starts: indices[0], neighbors: indices[1], directions: indices[2])
        var found = [T](repeating: .nan, count: atoms * elements * 5)
        var expected = found
        var scratch = [T](repeating: .nan, count: pairScratchCount(T.self, basis, elements: elements))
        sumOverPairs(&found, rows, along: nil, basis, atoms: 0..<40, scratch: &scratch)
        sumOverPairs(&found, rows, along: nil, basis, atoms: 40..<atoms, scratch: &scratch)
        sumOverPairsReference(&expected, rows, basis, atoms: 0..<atoms)
        let scale = expected.map { Double(abs($0)) }.max() ?? 0
        #expect(scale > 1)
        for index in found.indices { #expect(abs(Double(found[index] - expected[index])) <= tolerance * scale) }
    }

    @Test(arguments: [3, 16, 24, 40]) func angles(_ channels: Int) {
        compareAngles(Float.self, channels, tolerance: 2e-6)
        compareAngles(Double.self, channels, tolerance: 1e-14)
    }

    private func compareAngles<T: KernelScalar>(_: T.Type, _ channels: Int, tolerance: Double) {
        var random = Philox(seed: 6)
        func numbers(_ count: Int) -> [T] { (0..<count).map { _ in T(2 * random.nextUniform() - 1) } }
        let starts: [Int32] = [0, 4, 4, 5, 12]
        let (lengths, directions, weights) = (numbers(12 * 2 * channels), numbers(36), numbers(12))
        let cosines = numbers(7 * channels)
        var found = [T](repeating: .nan, count: 12 * channels)
        var expected = found
        let held = [lengths, directions, weights, cosines].map(copy)
        let ends = copy(starts)
        defer {
            held.forEach { $0.deallocate() }
            ends.deallocate()
        }
        let rows = AngleRows(
            lengths: held[0], directions: held[1], weights: held[2], cosines: held[3], channels: channels,
            functions: 7, knots: [-0.2, 0.3], starts: ends, activation: .silu)
        var scratch = [T](repeating: .nan, count: angleScratchCount(T.self, rows, centers: 0..<4))
        sumOverAngles(&found, rows, centers: 0..<2, scratch: &scratch)
        sumOverAngles(&found, rows, centers: 2..<4, scratch: &scratch)
        sumOverAnglesReference(&expected, rows, centers: 0..<4)
        let scale = expected.map { Double(abs($0)) }.max() ?? 0
        #expect(scale > 1)
        for index in found.indices { #expect(abs(Double(found[index] - expected[index])) <= tolerance * 10 * scale) }
    }

    private func copy<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        memory.initialize(from: elements, count: elements.count)
        return UnsafePointer(memory)
    }
}
