/// The channels of one cell that are worked on together: one or two vector registers.
protocol ChannelBlock<Scalar> {
    associatedtype Scalar: KernelScalar
    /// Channels.
    static var width: Int { get }
    init()
    /// Loads `width` channels.
    init(loading pointer: UnsafePointer<Scalar>)
    func store(to pointer: UnsafeMutablePointer<Scalar>)
    subscript(lane: Int) -> Scalar { get set }
    /// self += factor * weights, fused.
    mutating func add(_ factor: Scalar, times weights: Self)
    static func + (left: Self, right: Self) -> Self
}

extension ChannelBlock {
    /// Loads the first `count` channels and reads no further; the others are zero.
    @inline(__always)
    init(loading pointer: UnsafePointer<Scalar>, count: Int) {
        if count == Self.width {
            self.init(loading: pointer)
        } else {
            self.init()
            for lane in 0..<count { self[lane] = pointer[lane] }
        }
    }

    /// Stores the first `count` channels and writes no further.
    @inline(__always)
    func store(to pointer: UnsafeMutablePointer<Scalar>, count: Int) {
        if count == Self.width {
            store(to: pointer)
        } else {
            for lane in 0..<count { pointer[lane] = self[lane] }
        }
    }
}

struct SingleBlock<Vector: SIMD>: ChannelBlock where Vector.Scalar: KernelScalar {
    typealias Scalar = Vector.Scalar
    var a: Vector

    @inline(__always) static var width: Int { Vector.scalarCount }
    @inline(__always) init() { a = Vector() }
    @inline(__always) init(a: Vector) { self.a = a }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>) {
        a = UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Scalar>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: a, as: Vector.self)
    }
    @inline(__always) subscript(lane: Int) -> Scalar {
        get { a[lane] }
        set { a[lane] = newValue }
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
    @inline(__always) subscript(lane: Int) -> Scalar {
        get { lane < Vector.scalarCount ? a[lane] : b[lane - Vector.scalarCount] }
        set {
            if lane < Vector.scalarCount { a[lane] = newValue } else { b[lane - Vector.scalarCount] = newValue }
        }
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
