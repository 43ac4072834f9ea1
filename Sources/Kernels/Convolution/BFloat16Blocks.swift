internal import CBFloat16

// Channel blocks whose products are of bfloat16 pairs. A scalar of 32 bits that is a factor or a weight holds two
// numbers, the even channel in the low half; it is moved and never computed with as a Float. The sums are Floats.
//
// One step adds the pair's odd products, rounds, adds its even products and rounds: a lane's bits depend on its own
// sum and factors alone.

extension InstructionSet {
    /// Whether this module was compiled for processors that multiply bfloat16 numbers.
    public static var multipliesBFloat16: Bool { SAGES_COMPILED_FOR_BFLOAT16 != 0 }
}

/// Sixteen channels.
struct PairBlock: ChannelBlock {
    typealias Scalar = Float
    var a: SIMD16<Float>

    @inline(__always) static var width: Int { 16 }
    @inline(__always) static var tileLimit: Int { 16 }
    @inline(__always) init() { a = .zero }
    @inline(__always) init(a: SIMD16<Float>) { self.a = a }
    @inline(__always) init(loading pointer: UnsafePointer<Float>) {
        a = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<Float>.self)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: a, as: SIMD16<Float>.self)
    }
    @inline(__always) mutating func add(_ factor: Float, times weights: Self) {
        let factors = SIMD16<Int32>(repeating: Int32(bitPattern: factor.bitPattern))
        a = sages_add_bfloat16_products(a, factors, unsafeBitCast(weights.a, to: SIMD16<Int32>.self))
    }
    @inline(__always) static func + (left: Self, right: Self) -> Self { Self(a: left.a + right.a) }
}

/// Thirty-two channels.
struct DoublePairBlock: ChannelBlock {
    typealias Scalar = Float
    var a, b: PairBlock

    @inline(__always) static var width: Int { 32 }
    @inline(__always) static var tileLimit: Int { 8 }
    @inline(__always) init() { (a, b) = (PairBlock(), PairBlock()) }
    @inline(__always) init(a: PairBlock, b: PairBlock) { (self.a, self.b) = (a, b) }
    @inline(__always) init(loading pointer: UnsafePointer<Float>) {
        (a, b) = (PairBlock(loading: pointer), PairBlock(loading: pointer + 16))
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Float>) {
        a.store(to: pointer)
        b.store(to: pointer + 16)
    }
    @inline(__always) mutating func add(_ factor: Float, times weights: Self) {
        a.add(factor, times: weights.a)
        b.add(factor, times: weights.b)
    }
    @inline(__always) static func + (left: Self, right: Self) -> Self { Self(a: left.a + right.a, b: left.b + right.b) }
}

/// Rounds `count` numbers to pairs: (count + 1) / 2 of them, the last one's odd half zero where count is odd.
@inline(__always)
func roundToPairs(_ pairs: UnsafeMutablePointer<Float>, _ numbers: UnsafePointer<Float>, count: Int) {
    let target = UnsafeMutableRawPointer(pairs)
    var first = 0
    while first + 16 <= count {
        let rounded = sages_round_to_bfloat16(UnsafeRawPointer(numbers + first).loadUnaligned(as: SIMD16<Float>.self))
        target.storeBytes(of: rounded, toByteOffset: 2 * first, as: SIMD16<Int16>.self)
        first += 16
    }
    if first < count {
        var rest = SIMD16<Float>.zero
        for lane in 0..<count - first { rest[lane] = numbers[first + lane] }
        let rounded = sages_round_to_bfloat16(rest)
        for lane in 0..<(count - first + 1) / 2 * 2 {
            target.storeBytes(of: rounded[lane], toByteOffset: 2 * (first + lane), as: Int16.self)
        }
    }
}
