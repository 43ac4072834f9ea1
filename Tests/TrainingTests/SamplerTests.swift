import Tensor
import Testing
@testable import Training

struct SamplerTests {
    private func draws(_ sampler: Sampler, from position: Int, _ count: Int) -> [SampleDraw] {
        var draws = [SampleDraw](repeating: SampleDraw(sample: -1, epoch: -1), count: count)
        draws.withUnsafeMutableBufferPointer { sampler.draw(from: position, into: $0) }
        return draws
    }

    @Test(arguments: [1, 2, 3, 7, 100, 1000])
    func eachEpochDrawsEverySampleOnce(count: Int) {
        let sampler = Sampler(sampleCount: count, seed: 5)
        for epoch in 0..<4 {
            let epochDraws = draws(sampler, from: epoch * count, count)
            #expect(epochDraws.allSatisfy { $0.epoch == epoch })
            #expect(epochDraws.map(\.sample).sorted() == Array(0..<count))
        }
    }

    @Test func orderDiffersBetweenEpochsAndSeeds() {
        let sampler = Sampler(sampleCount: 50, seed: 1)
        let first = draws(sampler, from: 0, 50).map(\.sample)
        #expect(first != Array(0..<50))
        #expect(first != draws(sampler, from: 50, 50).map(\.sample))
        #expect(first != draws(Sampler(sampleCount: 50, seed: 2), from: 0, 50).map(\.sample))
    }

    @Test func drawsDoNotDependOnWhatWasDrawnBefore() {
        let sampler = Sampler(sampleCount: 13, seed: 9)
        let all = draws(sampler, from: 0, 60)
        for (begin, count) in [(40, 20), (0, 5), (11, 17), (26, 1), (12, 2)] {
            #expect(draws(sampler, from: begin, count) == Array(all[begin..<(begin + count)]))
        }
    }

    @Test func everyPlaceIsReachedByEverySample() {
        // 4 samples, 2400 epochs: each of 16 (sample, place) pairs about 600 times; 6 standard deviations are 127.
        let sampler = Sampler(sampleCount: 4, seed: 3)
        var counts = [Int](repeating: 0, count: 16)
        for epoch in 0..<2400 {
            for (place, draw) in draws(sampler, from: 4 * epoch, 4).enumerated() { counts[4 * place + draw.sample] += 1 }
        }
        #expect(counts.allSatisfy { abs($0 - 600) < 127 })
    }

    @Test func sharesCoverAllMicroBatchesInOrder() {
        for count in 0..<20 {
            for parts in 1..<9 {
                let shares = (0..<parts).map { share(of: count, part: $0, parts: parts) }
                #expect(shares.flatMap { Array($0) } == Array(0..<count))
                let sizes = shares.map(\.count)
                #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
            }
        }
    }
}
