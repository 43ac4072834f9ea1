/// Half a vector, one, two or four that lie side by side: the part of a row that stays in registers while it is summed.
/// A `PartialPanel` is the first lanes of one vector, for the columns that do not fill it.
protocol Panel<Scalar> {
    associatedtype Scalar: KernelScalar
    static var width: Int { get }
    init()
    init(loading pointer: UnsafePointer<Scalar>)
    /// Loads the columns that exist: all, except in a `PartialPanel`.
    init(loading pointer: UnsafePointer<Scalar>, lanes: Int)
    /// Stores the columns that exist: all, except in a `PartialPanel`.
    func store(to pointer: UnsafeMutablePointer<Scalar>, lanes: Int)
    /// self += factor * other, fused.
    mutating func add(_ factor: Scalar, times other: Self)
}

@inline(__always)
func load<T: KernelScalar>(_ pointer: UnsafePointer<T>) -> T.Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: T.Vector.self)
}

@inline(__always)
func store<T: KernelScalar>(_ vector: T.Vector, to pointer: UnsafeMutablePointer<T>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: T.Vector.self)
}

/// Stores the first `count` lanes.
@inline(__always)
func storePartial<T: KernelScalar>(_ vector: T.Vector, to pointer: UnsafeMutablePointer<T>, count: Int) {
    for lane in 0..<count { pointer[lane] = vector[lane] }
}

struct Panel1<Scalar: KernelScalar>: Panel {
    var a: Scalar.Vector

    @inline(__always) static var width: Int { Scalar.Vector.scalarCount }
    @inline(__always) init() { a = .zero }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>) { a = load(pointer) }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>, lanes _: Int) { self.init(loading: pointer) }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Scalar>, lanes _: Int) { Kernels.store(a, to: pointer) }
    @inline(__always) mutating func add(_ factor: Scalar, times other: Self) {
        a = a.addingProduct(Scalar.Vector(repeating: factor), other.a)
    }
}

struct HalfPanel<Scalar: KernelScalar>: Panel {
    var a: Scalar.HalfVector

    @inline(__always) static var width: Int { Scalar.HalfVector.scalarCount }
    @inline(__always) init() { a = .zero }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>) {
        a = UnsafeRawPointer(pointer).loadUnaligned(as: Scalar.HalfVector.self)
    }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>, lanes _: Int) { self.init(loading: pointer) }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Scalar>, lanes _: Int) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: a, as: Scalar.HalfVector.self)
    }
    @inline(__always) mutating func add(_ factor: Scalar, times other: Self) {
        a = a.addingProduct(Scalar.HalfVector(repeating: factor), other.a)
    }
}

struct PartialPanel<Scalar: KernelScalar>: Panel {
    var a: Scalar.Vector

    @inline(__always) static var width: Int { Scalar.Vector.scalarCount }
    @inline(__always) init() { a = .zero }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>) { a = load(pointer) }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>, lanes: Int) {
        a = .zero
        for lane in 0..<lanes { a[lane] = pointer[lane] }
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Scalar>, lanes: Int) {
        storePartial(a, to: pointer, count: lanes)
    }
    @inline(__always) mutating func add(_ factor: Scalar, times other: Self) {
        a = a.addingProduct(Scalar.Vector(repeating: factor), other.a)
    }
}

struct Panel2<Scalar: KernelScalar>: Panel {
    var a, b: Scalar.Vector

    @inline(__always) static var width: Int { 2 * Scalar.Vector.scalarCount }
    @inline(__always) init() { (a, b) = (.zero, .zero) }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>) {
        a = load(pointer)
        b = load(pointer + Scalar.Vector.scalarCount)
    }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>, lanes _: Int) { self.init(loading: pointer) }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Scalar>, lanes _: Int) {
        Kernels.store(a, to: pointer)
        Kernels.store(b, to: pointer + Scalar.Vector.scalarCount)
    }
    @inline(__always) mutating func add(_ factor: Scalar, times other: Self) {
        let factor = Scalar.Vector(repeating: factor)
        a = a.addingProduct(factor, other.a)
        b = b.addingProduct(factor, other.b)
    }
}

struct Panel4<Scalar: KernelScalar>: Panel {
    var a, b, c, d: Scalar.Vector

    @inline(__always) static var width: Int { 4 * Scalar.Vector.scalarCount }
    @inline(__always) init() { (a, b, c, d) = (.zero, .zero, .zero, .zero) }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>) {
        let lanes = Scalar.Vector.scalarCount
        a = load(pointer)
        b = load(pointer + lanes)
        c = load(pointer + 2 * lanes)
        d = load(pointer + 3 * lanes)
    }
    @inline(__always) init(loading pointer: UnsafePointer<Scalar>, lanes _: Int) { self.init(loading: pointer) }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Scalar>, lanes _: Int) {
        let lanes = Scalar.Vector.scalarCount
        Kernels.store(a, to: pointer)
        Kernels.store(b, to: pointer + lanes)
        Kernels.store(c, to: pointer + 2 * lanes)
        Kernels.store(d, to: pointer + 3 * lanes)
    }
    @inline(__always) mutating func add(_ factor: Scalar, times other: Self) {
        let factor = Scalar.Vector(repeating: factor)
        a = a.addingProduct(factor, other.a)
        b = b.addingProduct(factor, other.b)
        c = c.addingProduct(factor, other.c)
        d = d.addingProduct(factor, other.d)
    }
}
