import Testing
@testable import Configuration

/// SplitMix64, so that a failure is found again.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct ConfigurationFuzzTests {
    private let seed = Array(#"""
        // comment
        { model: { kind: 'sagesnet', "channels": 64, rate: 1.5e-3, hex: 0xfF, deep: [[[1, -2.5, +3,],],], },
          /* more */ data: { train: ["a.h5", 'b\u00e9\x41\n.h5'], on: true, off: false, none: null, }, }
        """#.utf8)

    /// Changed texts either parse or throw; what parses has a canonical text that reads back to the same.
    @Test func changedTextsNeverTrap() throws {
        var generator = SeededGenerator(state: 20_240_601)
        let alphabet = Array("{}[]:,'\"\\/*+-.0123456789eExXnultrfas \n\r\u{0}\u{FF}".utf8)
        var parsed = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)))
                case 1 where !bytes.isEmpty:
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
                case 2 where !bytes.isEmpty:
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = alphabet.randomElement(using: &generator)!
                case 3 where !bytes.isEmpty:
                    bytes.remove(at: Int.random(in: 0..<bytes.count, using: &generator))
                default:
                    bytes.insert(alphabet.randomElement(using: &generator)!,
                                 at: Int.random(in: 0...bytes.count, using: &generator))
                }
            }
            do {
                let text = try JSON5Parser.parse(bytes, source: "fuzz").canonicalJSON
                #expect(try JSON5Parser.parse(Array(text.utf8), source: "again").canonicalJSON == text)
                parsed += 1
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        // Both outcomes must occur, or the test tests nothing.
        #expect(parsed > 500 && parsed < 19_500)
    }
}
