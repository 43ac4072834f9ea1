import Tensor
import Testing

struct PhiloxTests {
    /// The known answers published with the generator (Random123, kat_vectors).
    @Test func knownAnswers() {
        #expect(
            Philox.block(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            Philox.block(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox.block(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                key: SIMD2(0xa409_3822, 0x299f_31d0)) == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func momentsOfTheNormal() {
        var generator = Philox(seed: 5, epoch: 2, sample: 3)
        let draws = (0..<100_000).map { _ in generator.nextNormal() }
        let mean = draws.reduce(0, +) / 1e5
        let variance = draws.reduce(0) { $0 + $1 * $1 } / 1e5
        #expect(abs(mean) < 0.02 && abs(variance - 1) < 0.02)
    }

    @Test func streamsAreIndependentOfOrder() {
        var first = Philox(seed: 1, epoch: 0, sample: 7)
        _ = Philox(seed: 1, epoch: 0, sample: 6)
        var second = Philox(seed: 1, epoch: 0, sample: 7)
        #expect(first.next() == second.next())
        var other = Philox(seed: 1, epoch: 1, sample: 7)
        #expect(first.next() != other.next())
    }
}
