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
    private func values<T: FixedPointScalar>(_: T.Type, _ count: Int) -> [T] {
        var generator = Philox(seed: 2, stream: UInt64(count))
        return (0..<count).map { _ in T(generator.nextNormal()) }
    }

    private func expectRounded<T: FixedPointScalar>(_ type: T.Type, _ count: Int, scale: Double) {
        let values = values(type, count)
        let integers = values.map { T.FixedPoint((Double($0) * scale).rounded(.toNearestOrEven)) }
        // One more, to see that nothing is written behind the end.
        var sums = [T.FixedPoint](repeating: 5, count: count + 1)
        let largest = T.accumulateFixedPoint(&sums, values, scale: scale, count: count, isFirst: false)
        #expect(largest == Double(values.map(\.magnitude).max() ?? 0))
        #expect(sums == integers.map { 5 + $0 } + [5])
        #expect(T.accumulateFixedPoint(&sums, values, scale: scale, count: count, isFirst: true) == largest)
        #expect(sums == integers + [5])
    }

    @Test(arguments: [0, 1, 7, 8, 15, 16, 17, 100])
    func kernelRoundsToTheScaleAndFindsTheLargest(count: Int) {
        expectRounded(Float.self, count, scale: 0x1p20)
        expectRounded(Float.self, count, scale: 0x1p-1)
        expectRounded(Double.self, count, scale: 0x1p40)
    }

    @Test func theLargestValueOfTheRangeIsExact() {
        for bits in [Float.fixedPointBits, Float.fixedPointBits - 1] {
            var sums = [Int32](repeating: 0, count: 2)
            let scale = Double(sign: .plus, exponent: bits, significand: 1)
            _ = Float.accumulateFixedPoint(&sums, [1, -1], scale: scale, count: 2, isFirst: true)
            #expect(sums == [1 << bits, -(1 << bits)])
        }
        // Beyond it, the value says so.
        var sums = [Int32](repeating: 0, count: 1)
        #expect(Float.accumulateFixedPoint(&sums, [3e9], scale: 1, count: 1, isFirst: true) == 3e9)
    }

    @Test func kernelsReportWhatIsNotFinite() {
        for place in [0, 3, 8, 16] {
            for bad in [Float.nan, .infinity, -.infinity] {
                var values = [Float](repeating: 1, count: 17)
                values[place] = bad
                var sums = [Int32](repeating: 0, count: 17)
                #expect(Float.accumulateFixedPoint(&sums, values, scale: 1, count: 17, isFirst: false).isNaN)
                var wide = [Int64](repeating: 0, count: 17)
                let doubles = values.map { Double($0) }
                #expect(Double.accumulateFixedPoint(&wide, doubles, scale: 1, count: 17, isFirst: true).isNaN)
                #expect(largestMagnitude(values, count: 17).isNaN)
            }
        }
    }

    @Test func conversionGivesTheQuotient() {
        let sums: [Int64] = [0, 3, -3, 1 << 40, -(1 << 61)]
        var values = [Double](repeating: .nan, count: 5)
        Double.fromFixedPoint(&values, sums, divisor: 8, count: 5)
        #expect(values == [0, 0.375, -0.375, 0x1p37, -0x1p58])
        var floats = [Float](repeating: .nan, count: 4)
        Float.fromFixedPoint(&floats, [0, 3, -3, .max], divisor: 8, count: 4)
        #expect(floats == [0, 0.375, -0.375, 0x1p28])
    }
}
