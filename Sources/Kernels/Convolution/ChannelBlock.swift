/// The channels of one cell that are worked on together: one or two vector registers.
protocol ChannelBlock<Scalar> {
    associatedtype Scalar: KernelScalar
    /// Channels.
    static var width: Int { get }
    /// Blocks of the largest tile that the registers hold beside a block of weights: 32 registers of AVX-512 hold 16
    /// sums, the 16 of others 8.
    static var tileLimit: Int { get }
    init()
    /// Loads `width` channels.
    init(loading pointer: UnsafePointer<Scalar>)
    func store(to pointer: UnsafeMutablePointer<Scalar>)
    /// self += factor * weights, fused.
    mutating func add(_ factor: Scalar, times weights: Self)
    static func + (left: Self, right: Self) -> Self
}

struct SingleBlock<Vector: SIMD>: ChannelBlock where Vector.Scalar: KernelScalar {
    typealias Scalar = Vector.Scalar
    var a: Vector

    @inline(__always) static var width: Int { Vector.scalarCount }
    @inline(__always) static var tileLimit: Int { InstructionSet.vectorBytes == 64 ? 16 : 8 }
    @inline(__always) init() { a = Vector() }
    @inline(__always) init(a: Vector) { self.a = a }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>) {
        a = UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Scalar>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: a, as: Vector.self)
    }
    @inline(__always) mutating func add(_ factor: Scalar, times weights: Self) {
        a = a.addingProduct(Vector(repeating: factor), weights.a)
    }
    @inline(__always) static func + (left: Self, right: Self) -> Self { Self(a: left.a + right.a) }
}

struct DoubleBlock<Vector: SIMD>: ChannelBlock where Vector.Scalar: KernelScalar {
    typealias Scalar = Vector.Scalar
    var a, b: Vector

    @inline(__always) static var width: Int { 2 * Vector.scalarCount }
    @inline(__always) static var tileLimit: Int { InstructionSet.vectorBytes == 64 ? 8 : 4 }
    @inline(__always) init() { (a, b) = (Vector(), Vector()) }
    @inline(__always) init(a: Vector, b: Vector) { (self.a, self.b) = (a, b) }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>) {
        a = UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
        b = UnsafeRawPointer(pointer + Vector.scalarCount).loadUnaligned(as: Vector.self)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Scalar>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: a, as: Vector.self)
        UnsafeMutableRawPointer(pointer + Vector.scalarCount).storeBytes(of: b, as: Vector.self)
    }
    @inline(__always) mutating func add(_ factor: Scalar, times weights: Self) {
        let factor = Vector(repeating: factor)
        a = a.addingProduct(factor, weights.a)
        b = b.addingProduct(factor, weights.b)
    }
    @inline(__always) static func + (left: Self, right: Self) -> Self {
        Self(a: left.a + right.a, b: left.b + right.b)
    }
}
