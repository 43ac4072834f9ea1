// The transforms of Winograd's F(2, 3) along one axis, applied along three by nesting.
//
// Two outputs y of a kernel g of three taps read four inputs d. In place of six products, four points m = u v:
//
//     v = (d0 - d2, d1 + d2, d2 - d1, d3 - d1)                          of the inputs
//     u = (g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2)              of the kernel
//     y = (m0 + m1 + m2, m1 - m2 + m3)                                  of the products
//
// (A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308, section 4.1, with the
// sign of the last point turned.) Output 0 uses no point that reads d3 and output 1 none that reads d0: an output's
// bits depend on its own three inputs and on its place in the tile alone.
//
// The gradient of the kernel is the adjoint in u: with e = (y0, y0 + y1, y0 - y1, y1) of the outputs' gradient and
// the sums s = sum of v e over tiles, dg = (s0 + (s1 + s2) / 2, (s1 - s2) / 2, (s1 + s2) / 2 + s3).

/// What a transform adds and subtracts: vectors of channels, and lines and planes of them.
protocol Summable {
    static func + (left: Self, right: Self) -> Self
    static func - (left: Self, right: Self) -> Self
    /// Half of it, exactly.
    var half: Self { get }
}

/// Some channels of a cell.
struct Lanes<Vector: SIMD>: Summable where Vector.Scalar: KernelScalar {
    var vector: Vector

    @inline(__always) init(_ vector: Vector) { self.vector = vector }
    @inline(__always) init(loading pointer: UnsafePointer<Vector.Scalar>) {
        vector = UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Vector.Scalar>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
    }
    @inline(__always) static func + (left: Self, right: Self) -> Self { Self(left.vector + right.vector) }
    @inline(__always) static func - (left: Self, right: Self) -> Self { Self(left.vector - right.vector) }
    @inline(__always) var half: Self { Self(vector * Vector(repeating: 0.5)) }
}

/// Along one axis: outputs of a tile.
struct Two<Element: Summable>: Summable {
    var a, b: Element

    @inline(__always) init(_ a: Element, _ b: Element) { (self.a, self.b) = (a, b) }
    @inline(__always) init(_ element: (Int) -> Element) { (a, b) = (element(0), element(1)) }
    @inline(__always) static func + (left: Self, right: Self) -> Self { Self(left.a + right.a, left.b + right.b) }
    @inline(__always) static func - (left: Self, right: Self) -> Self { Self(left.a - right.a, left.b - right.b) }
    @inline(__always) var half: Self { Self(a.half, b.half) }
    @inline(__always) func map<Other>(_ body: (Element) -> Other) -> Two<Other> { Two<Other>(body(a), body(b)) }
    /// e of an output's gradient.
    @inline(__always) var outputGradientPoints: Four<Element> { Four(a, a + b, a - b, b) }
}

/// Along one axis: taps of a kernel.
struct Three<Element: Summable>: Summable {
    var a, b, c: Element

    @inline(__always) init(_ a: Element, _ b: Element, _ c: Element) { (self.a, self.b, self.c) = (a, b, c) }
    @inline(__always) init(_ element: (Int) -> Element) { (a, b, c) = (element(0), element(1), element(2)) }
    @inline(__always) static func + (left: Self, right: Self) -> Self {
        Self(left.a + right.a, left.b + right.b, left.c + right.c)
    }
    @inline(__always) static func - (left: Self, right: Self) -> Self {
        Self(left.a - right.a, left.b - right.b, left.c - right.c)
    }
    @inline(__always) var half: Self { Self(a.half, b.half, c.half) }
    @inline(__always) func map<Other>(_ body: (Element) -> Other) -> Three<Other> {
        Three<Other>(body(a), body(b), body(c))
    }
    /// u of a kernel.
    @inline(__always) var kernelPoints: Four<Element> {
        let outer = a + c
        return Four(a, (outer + b).half, (outer - b).half, c)
    }
}

/// Along one axis: inputs of a tile, or points.
struct Four<Element: Summable>: Summable {
    var a, b, c, d: Element

    @inline(__always) init(_ a: Element, _ b: Element, _ c: Element, _ d: Element) {
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }
    @inline(__always) init(_ element: (Int) -> Element) {
        (a, b, c, d) = (element(0), element(1), element(2), element(3))
    }
    @inline(__always) static func + (left: Self, right: Self) -> Self {
        Self(left.a + right.a, left.b + right.b, left.c + right.c, left.d + right.d)
    }
    @inline(__always) static func - (left: Self, right: Self) -> Self {
        Self(left.a - right.a, left.b - right.b, left.c - right.c, left.d - right.d)
    }
    @inline(__always) var half: Self { Self(a.half, b.half, c.half, d.half) }
    @inline(__always) func map<Other>(_ body: (Element) -> Other) -> Four<Other> {
        Four<Other>(body(a), body(b), body(c), body(d))
    }
    @inline(__always) func forEach(_ body: (Int, Element) -> Void) {
        body(0, a)
        body(1, b)
        body(2, c)
        body(3, d)
    }
    /// v of inputs.
    @inline(__always) var inputPoints: Self { Self(a - c, b + c, c - b, d - b) }
    /// y of products.
    @inline(__always) var outputs: Two<Element> { Two(a + b + c, b - c + d) }
    /// dg of sums.
    @inline(__always) var kernelGradient: Three<Element> {
        let even = (b + c).half
        return Three(a + even, (b - c).half, even + d)
    }
}

/// Along z, y and x: points p = 16 pz + 4 py + px.
enum WinogradTransform<Vector: SIMD> where Vector.Scalar: KernelScalar {
    typealias Scalar = Vector.Scalar
    typealias Channels = Lanes<Vector>

    /// The points of 4x4x4 cells.
    ///
    /// - Parameters:
    ///   - target: point 0, the others `pointStride` apart.
    ///   - cell: where a cell of the tile's inputs lies.
    @inline(__always)
    static func inputPoints(
        _ target: UnsafeMutablePointer<Scalar>, pointStride: Int, cell place: (Int, Int, Int) -> UnsafePointer<Scalar>
    ) {
        @inline(__always) func cell(_ z: Int, _ y: Int, _ x: Int) -> Channels { Channels(loading: place(z, y, x)) }
        // Along z while loading: each point is made of two inputs, so sixteen registers are enough.
        storePlane(target, pointStride, 0) { cell(0, $0, $1) - cell(2, $0, $1) }
        storePlane(target, pointStride, 1) { cell(1, $0, $1) + cell(2, $0, $1) }
        storePlane(target, pointStride, 2) { cell(2, $0, $1) - cell(1, $0, $1) }
        storePlane(target, pointStride, 3) { cell(3, $0, $1) - cell(1, $0, $1) }
    }

    @inline(__always)
    private static func storePlane(
        _ target: UnsafeMutablePointer<Scalar>, _ pointStride: Int, _ pz: Int, _ cell: (Int, Int) -> Channels
    ) {
        let plane = Four { y in Four { x in cell(y, x) }.inputPoints }.inputPoints
        plane.forEach { py, line in
            line.forEach { px, value in value.store(to: target + (16 * pz + 4 * py + px) * pointStride) }
        }
    }

    /// The 2x2x2 outputs of products, plus bias.
    ///
    /// - Parameters:
    ///   - target: the tile's first output cell.
    ///   - source: point 0, the others `pointStride` apart.
    @inline(__always)
    static func outputs(
        _ target: UnsafeMutablePointer<Scalar>, _ strides: CellStrides, _ source: UnsafePointer<Scalar>,
        pointStride: Int, bias: UnsafePointer<Scalar>
    ) {
        let planes = Four { pz in
            Four { py in
                Four { px in Channels(loading: source + (16 * pz + 4 * py + px) * pointStride) }.outputs
            }.outputs
        }.outputs
        let bias = Channels(loading: bias)
        @inline(__always) func store(_ z: Int, _ y: Int, _ line: Two<Channels>) {
            (line.a + bias).store(to: target + strides.offset(z, y, 0))
            (line.b + bias).store(to: target + strides.offset(z, y, 1))
        }
        store(0, 0, planes.a.a)
        store(0, 1, planes.a.b)
        store(1, 0, planes.b.a)
        store(1, 1, planes.b.b)
    }

    /// The points of the gradient of 2x2x2 outputs.
    @inline(__always)
    static func outputGradientPoints(
        _ target: UnsafeMutablePointer<Scalar>, pointStride: Int, _ source: UnsafePointer<Scalar>, _ strides: CellStrides
    ) {
        let lines = Two { z in
            Two { y in
                Two { x in Channels(loading: source + strides.offset(z, y, x)) }.outputGradientPoints
            }.outputGradientPoints
        }
        lines.outputGradientPoints.forEach { pz, plane in
            plane.forEach { py, line in
                line.forEach { px, value in value.store(to: target + (16 * pz + 4 * py + px) * pointStride) }
            }
        }
    }

    /// The points of 3x3x3 taps.
    @inline(__always)
    static func kernelPoints(tap: (Int, Int, Int) -> Channels, store: (Int, Channels) -> Void) {
        let points = Three { z in
            Three { y in Three { x in tap(z, y, x) }.kernelPoints }.kernelPoints
        }.kernelPoints
        points.forEach { pz, plane in
            plane.forEach { py, line in line.forEach { px, value in store(16 * pz + 4 * py + px, value) } }
        }
    }

    /// The gradient of 3x3x3 taps from sums at the points.
    @inline(__always)
    static func kernelGradient(point: (Int) -> Channels, store: (Int, Channels) -> Void) {
        let taps = Four { pz in
            Four { py in Four { px in point(16 * pz + 4 * py + px) }.kernelGradient }.kernelGradient
        }.kernelGradient
        func line(_ first: Int, _ line: Three<Channels>) {
            store(first, line.a)
            store(first + 1, line.b)
            store(first + 2, line.c)
        }
        func plane(_ first: Int, _ plane: Three<Three<Channels>>) {
            line(first, plane.a)
            line(first + 3, plane.b)
            line(first + 6, plane.c)
        }
        plane(0, taps.a)
        plane(9, taps.b)
        plane(18, taps.c)
    }
}
