// Moments of the bonds of atoms, of which sums over torsions are made. Notation of `TorsionSums`.

/// The moments of atoms. [centers, 12 C]
///
/// - Parameters:
///   - out: of which the rows of the centers are written.
///   - weights: w. [bonds, C]
@specialized(where T == Float)
@specialized(where T == Double)
public func findTorsionMoments<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: TorsionRows<T>, _ weights: UnsafePointer<T>, centers: Range<Int>
) {
    for center in centers {
        rows.forEachBlock { channel, count in
            var sum = TorsionMoments<T>(zero: ())
            for bond in rows.bonds(center) {
                let (dx, dy, dz) = rows.direction(bond)
                let w: T.QuarterVector = loadChannels(weights + bond * rows.channels + channel, count)
                let (x, y, z) = (w * dx, w * dy, w * dz)
                sum.x += x
                sum.y += y
                sum.z += z
                sum.xx = sum.xx.addingProduct(x, dx)
                sum.xy = sum.xy.addingProduct(x, dy)
                sum.xz = sum.xz.addingProduct(x, dz)
                sum.yy = sum.yy.addingProduct(y, dy)
                sum.yz = sum.yz.addingProduct(y, dz)
                sum.zz = sum.zz.addingProduct(z, dz)
            }
            (sum.yx, sum.zx, sum.zy) = (sum.xy, sum.xz, sum.yz)
            sum.store(to: out + center * 12 * rows.channels + channel, rows.channels, count)
        }
    }
}

/// The derivative of sum g M by the weights and unit vectors of bonds, side by side, for the moments M.
///
/// - Parameters:
///   - out: [bonds, C x y z], of which those of the centers are written.
///   - weights: w. [bonds, C]
///   - g: [centers, 12 C]
@specialized(where T == Float)
@specialized(where T == Double)
public func differentiateTorsionMoments<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: TorsionRows<T>, _ weights: UnsafePointer<T>, _ g: UnsafePointer<T>,
    centers: Range<Int>
) {
    let channels = rows.channels
    for center in centers {
        for bond in rows.bonds(center) {
            let d = rows.direction(bond)
            let target = out + bond * (channels + 3)
            var (sx, sy, sz) = (T.QuarterVector.zero, T.QuarterVector.zero, T.QuarterVector.zero)
            rows.forEachBlock { channel, count in
                let m = TorsionMoments<T>(g + center * 12 * channels + channel, channels, count)
                let w: T.QuarterVector = loadChannels(weights + bond * channels + channel, count)
                let (v, q, twice) = m.along(d)
                storeChannels(v + twice, to: target + channel, count)
                // Q d beside Q^T d.
                let qx = (d.0 * m.xx).addingProduct(d.1, m.xy).addingProduct(d.2, m.xz)
                let qy = (d.0 * m.yx).addingProduct(d.1, m.yy).addingProduct(d.2, m.yz)
                let qz = (d.0 * m.zx).addingProduct(d.1, m.zy).addingProduct(d.2, m.zz)
                sx = sx.addingProduct(w, m.x + q.0 + qx)
                sy = sy.addingProduct(w, m.y + q.1 + qy)
                sz = sz.addingProduct(w, m.z + q.2 + qz)
            }
            (target[channels], target[channels + 1], target[channels + 2]) = (sumOfLanes(sx), sumOfLanes(sy), sumOfLanes(sz))
        }
    }
}

/// The moments of one atom for some channels, and what they have along a direction d.
struct TorsionMoments<T: KernelScalar> {
    typealias Vector = T.QuarterVector
    /// V.
    var x, y, z: Vector
    /// Q.
    var xx, xy, xz, yx, yy, yz, zx, zy, zz: Vector

    @inline(__always) init(zero: Void) {
        (x, y, z) = (.zero, .zero, .zero)
        (xx, xy, xz, yx, yy, yz, zx, zy, zz) = (.zero, .zero, .zero, .zero, .zero, .zero, .zero, .zero, .zero)
    }

    /// - Parameter row: at the first of the channels.
    @inline(__always) init(_ row: UnsafePointer<T>, _ channels: Int, _ count: Int) {
        func component(_ index: Int) -> Vector { loadChannels(row + index * channels, count) }
        (x, y, z) = (component(0), component(1), component(2))
        (xx, xy, xz) = (component(3), component(4), component(5))
        (yx, yy, yz) = (component(6), component(7), component(8))
        (zx, zy, zz) = (component(9), component(10), component(11))
    }

    @inline(__always) func store(to row: UnsafeMutablePointer<T>, _ channels: Int, _ count: Int) {
        func store(_ vector: Vector, _ index: Int) { storeChannels(vector, to: row + index * channels, count) }
        store(x, 0)
        store(y, 1)
        store(z, 2)
        store(xx, 3)
        store(xy, 4)
        store(xz, 5)
        store(yx, 6)
        store(yy, 7)
        store(yz, 8)
        store(zx, 9)
        store(zy, 10)
        store(zz, 11)
    }

    /// d · V, Q^T d, d · Q d.
    @inline(__always)
    func along(_ d: (Vector, Vector, Vector)) -> (v: Vector, q: (Vector, Vector, Vector), twice: Vector) {
        let v = (d.0 * x).addingProduct(d.1, y).addingProduct(d.2, z)
        let q = (
            (d.0 * xx).addingProduct(d.1, yx).addingProduct(d.2, zx),
            (d.0 * xy).addingProduct(d.1, yy).addingProduct(d.2, zy),
            (d.0 * xz).addingProduct(d.1, yz).addingProduct(d.2, zz)
        )
        return (v, q, (d.0 * q.0).addingProduct(d.1, q.1).addingProduct(d.2, q.2))
    }
}

@inline(__always)
func loadChannels<T: KernelScalar>(_ pointer: UnsafePointer<T>, _ count: Int) -> T.QuarterVector {
    guard count < T.QuarterVector.scalarCount else {
        return UnsafeRawPointer(pointer).loadUnaligned(as: T.QuarterVector.self)
    }
    var vector = T.QuarterVector.zero
    for lane in 0..<count { vector[lane] = pointer[lane] }
    return vector
}

@inline(__always)
func storeChannels<T: KernelScalar>(_ vector: T.QuarterVector, to pointer: UnsafeMutablePointer<T>, _ count: Int) {
    guard count < T.QuarterVector.scalarCount else {
        return UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: T.QuarterVector.self)
    }
    for lane in 0..<count { pointer[lane] = vector[lane] }
}

/// The sum of the lanes, in their order.
@inline(__always)
func sumOfLanes<Vector: SIMD>(_ vector: Vector) -> Vector.Scalar where Vector.Scalar: FloatingPoint {
    var sum: Vector.Scalar = 0
    for lane in 0..<Vector.scalarCount { sum += vector[lane] }
    return sum
}
