import Kernels
import Tensor
import Testing
@testable import Training

struct ExactSumTests {
    private func sum(_ values: [Double]) -> (digits: [Int64], value: Double) {
        var digits = [Int64](repeating: 0, count: ExactSum.digits)
        for value in values { #expect(ExactSum.add(value, to: &digits)) }
        return (digits, ExactSum.value(digits))
    }

    @Test func anyOrderAndGroupingGivesTheSameBits() {
        var generator = Philox(seed: 1)
        let values = (0..<500).map { _ in
            generator.nextNormal() * Double(sign: .plus, exponent: Int(generator.nextIndex(below: 150)) - 50, significand: 1)
        }
        let whole = sum(values)
        #expect(sum(values.shuffled(using: &generator)).digits == whole.digits)
        let parts = [values[..<13], values[13..<400], values[400...]].map { sum(Array($0)).digits }
        #expect((0..<ExactSum.digits).map { digit in parts.reduce(0) { $0 + $1[digit] } } == whole.digits)
    }

    @Test func sumsAreExact() {
        #expect(sum([]).value == 0)
        for value in [1.0, -1, 0.1, -0.1, 3e-13, 1e17, -1e17, 3e38, 0x1p-100, 1.0 / 3] { #expect(sum([value]).value == value) }
        #expect(sum([1e17, 1, -1e17]).value == 1)
        #expect(sum([-3e38, 1, 3e38]).value == 1)
        #expect(sum([1e15, 0x1p-60, -1e15]).value == 0x1p-60)
        #expect(sum([-1, 0x1p-50]).value == -1 + 0x1p-50)
        // 1000 times the number nearest to 0.1, rounded once.
        #expect(sum([Double](repeating: 0.1, count: 1000)).value == (0.1 as Double) * 1000)
    }

    @Test func whatIsNotANumberIsRefused() {
        var digits = [Int64](repeating: 0, count: ExactSum.digits)
        for value in [Double.nan, .infinity, -.infinity, 0x1p140, -1e300] {
            #expect(!ExactSum.add(value, to: &digits))
        }
        #expect(digits == [Int64](repeating: 0, count: ExactSum.digits))
    }
}

struct FixedPointTests {
    @Test(arguments: [1, 7, 8, 9, 100])
    func kernelRoundsToTheScaleAndFindsTheLargest(count: Int) {
        var generator = Philox(seed: 2, stream: UInt64(count))
        let values = (0..<count).map { _ in Float(generator.nextNormal()) }
        var sums = [Int64](repeating: 5, count: count)
        let largest = accumulateFixedPoint(&sums, values, scale: 0x1p30, count: count)
        #expect(largest == Double(values.map(\.magnitude).max() ?? 0))
        #expect(sums == values.map { 5 + Int64((Double($0) * 0x1p30).rounded(.toNearestOrEven)) })
    }

    @Test func kernelsReportWhatIsNotFinite() {
        for place in [0, 3, 8, 16] {
            for bad in [Float.nan, .infinity, -.infinity] {
                var values = [Float](repeating: 1, count: 17)
                values[place] = bad
                var sums = [Int64](repeating: 0, count: 17)
                #expect(accumulateFixedPoint(&sums, values, scale: 1, count: 17).isNaN)
                #expect(largestMagnitude(values, count: 17).isNaN)
            }
        }
    }

    @Test func conversionGivesTheQuotient() {
        let sums: [Int64] = [0, 3, -3, 1 << 40, -(1 << 61)]
        var values = [Double](repeating: .nan, count: 5)
        fromFixedPoint(&values, sums, scale: 8, count: 5)
        #expect(values == [0, 0.375, -0.375, 0x1p37, -0x1p58])
    }
}
