// Sums over the torsions around bonds: what a bond (i, j) knows of the turn of the other bonds of i against those of j.
//
// Notation: d the unit vector of a bond (i, j); w_k a number of each bond (i, k) and channel; V and Q the moments of an atom,
//
//     V_i = sum over k of w_k d_k,   Q_i = sum over k of w_k d_k d_k^T;
//
// p_k the part of d_k across d. Sums over all chains k-i-j-l factor into moments of the two atoms:
//
//     S1 = sum over k, l of w_k w_l  p_k · p_l     = V_i · V_j - (d · V_i) (d · V_j)
//     S2 = sum over k, l of w_k w_l (p_k · p_l)^2  = Q_i : Q_j - 2 (Q_i d) · (Q_j d) + (d · Q_i d) (d · Q_j d)
//
// A row of moments has the components x, y, z, xx, xy...zz, each of C channels. Vectors are of some channels of one bond.

/// Bonds and their centers.
public struct TorsionRows<T: KernelScalar> {
    /// d. [bonds, x y z]
    public var directions: UnsafePointer<T>
    /// The first bond of each center, and the end. [centers + 1]
    public var starts: UnsafePointer<Int32>
    /// C.
    public var channels: Int

    public init(directions: UnsafePointer<T>, starts: UnsafePointer<Int32>, channels: Int) {
        (self.directions, self.starts, self.channels) = (directions, starts, channels)
    }

    @inline(__always) func bonds(_ center: Int) -> Range<Int> { Int(starts[center])..<Int(starts[center + 1]) }

    @inline(__always) func direction(_ bond: Int) -> (T.QuarterVector, T.QuarterVector, T.QuarterVector) {
        let d = directions + 3 * bond
        return (
            T.QuarterVector(repeating: d[0]), T.QuarterVector(repeating: d[1]), T.QuarterVector(repeating: d[2])
        )
    }

    /// Calls `body` with the first of some channels and how many they are.
    @inline(__always) func forEachBlock(_ body: (Int, Int) -> Void) {
        let lanes = T.QuarterVector.scalarCount
        var channel = 0
        while channel < channels {
            body(channel, min(lanes, channels - channel))
            channel += lanes
        }
    }
}

/// S1 and S2, side by side.
///
/// - Parameters:
///   - out: [bonds, 2 C], of which those of the centers are written.
///   - here: the moments of atoms. [centers, 12 C]
///   - there: those of the other atom of each bond. [bonds, 12 C]
@specialized(where T == Float)
@specialized(where T == Double)
public func sumOverTorsions<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: TorsionRows<T>, here: UnsafePointer<T>, there: UnsafePointer<T>,
    centers: Range<Int>
) {
    let channels = rows.channels
    for center in centers {
        for bond in rows.bonds(center) {
            let d = rows.direction(bond)
            rows.forEachBlock { channel, count in
                let a = TorsionMoments<T>(here + center * 12 * channels + channel, channels, count)
                let b = TorsionMoments<T>(there + bond * 12 * channels + channel, channels, count)
                let ((av, aq, aTwice), (bv, bq, bTwice)) = (a.along(d), b.along(d))
                let turn = (a.x * b.x).addingProduct(a.y, b.y).addingProduct(a.z, b.z) - av * bv
                let across = (aq.0 * bq.0).addingProduct(aq.1, bq.1).addingProduct(aq.2, bq.2)
                let square = (aTwice * bTwice - (across + across))
                    .addingProduct(a.xx, b.xx).addingProduct(a.xy, b.xy).addingProduct(a.xz, b.xz)
                    .addingProduct(a.yx, b.yx).addingProduct(a.yy, b.yy).addingProduct(a.yz, b.yz)
                    .addingProduct(a.zx, b.zx).addingProduct(a.zy, b.zy).addingProduct(a.zz, b.zz)
                storeChannels(turn, to: out + bond * 2 * channels + channel, count)
                storeChannels(square, to: out + (bond * 2 + 1) * channels + channel, count)
            }
        }
    }
}

/// The derivative of sum g S by the moments of the bonds' centers.
///
/// - Parameters:
///   - out: [centers, 12 C], of which the rows of the centers are written.
///   - there: as `sumOverTorsions`.
///   - g: [bonds, 2 C]
@specialized(where T == Float)
@specialized(where T == Double)
public func differentiateTorsionSums<T: KernelScalar>(
    byMoments out: UnsafeMutablePointer<T>, _ rows: TorsionRows<T>, there: UnsafePointer<T>, _ g: UnsafePointer<T>,
    centers: Range<Int>
) {
    let channels = rows.channels
    for center in centers {
        rows.forEachBlock { channel, count in
            var sum = TorsionMoments<T>(zero: ())
            for bond in rows.bonds(center) {
                let d = rows.direction(bond)
                let b = TorsionMoments<T>(there + bond * 12 * channels + channel, channels, count)
                let (v, q, twice) = b.along(d)
                let turn: T.QuarterVector = loadChannels(g + bond * 2 * channels + channel, count)
                let square: T.QuarterVector = loadChannels(g + (bond * 2 + 1) * channels + channel, count)
                sum.x = sum.x.addingProduct(turn, b.x - d.0 * v)
                sum.y = sum.y.addingProduct(turn, b.y - d.1 * v)
                sum.z = sum.z.addingProduct(turn, b.z - d.2 * v)
                // d_n (d · Q d) - 2 (Q^T d)_n, times d_m.
                let (x, y, z) = (d.0 * twice - (q.0 + q.0), d.1 * twice - (q.1 + q.1), d.2 * twice - (q.2 + q.2))
                sum.xx = sum.xx.addingProduct(square, b.xx.addingProduct(d.0, x))
                sum.xy = sum.xy.addingProduct(square, b.xy.addingProduct(d.0, y))
                sum.xz = sum.xz.addingProduct(square, b.xz.addingProduct(d.0, z))
                sum.yx = sum.yx.addingProduct(square, b.yx.addingProduct(d.1, x))
                sum.yy = sum.yy.addingProduct(square, b.yy.addingProduct(d.1, y))
                sum.yz = sum.yz.addingProduct(square, b.yz.addingProduct(d.1, z))
                sum.zx = sum.zx.addingProduct(square, b.zx.addingProduct(d.2, x))
                sum.zy = sum.zy.addingProduct(square, b.zy.addingProduct(d.2, y))
                sum.zz = sum.zz.addingProduct(square, b.zz.addingProduct(d.2, z))
            }
            sum.store(to: out + center * 12 * channels + channel, channels, count)
        }
    }
}

/// The derivative of sum g S by the unit vectors of bonds, for moments whose matrices are symmetric.
///
/// - Parameters:
///   - out: [bonds, x y z], of which those of the centers are written.
///   - here, there: as `sumOverTorsions`.
///   - g: [bonds, 2 C]
@specialized(where T == Float)
@specialized(where T == Double)
public func differentiateTorsionSums<T: KernelScalar>(
    byDirections out: UnsafeMutablePointer<T>, _ rows: TorsionRows<T>, here: UnsafePointer<T>, there: UnsafePointer<T>,
    _ g: UnsafePointer<T>, centers: Range<Int>
) {
    let channels = rows.channels
    for center in centers {
        for bond in rows.bonds(center) {
            let d = rows.direction(bond)
            var (sx, sy, sz) = (T.QuarterVector.zero, T.QuarterVector.zero, T.QuarterVector.zero)
            rows.forEachBlock { channel, count in
                let a = TorsionMoments<T>(here + center * 12 * channels + channel, channels, count)
                let b = TorsionMoments<T>(there + bond * 12 * channels + channel, channels, count)
                let ((av, aq, aTwice), (bv, bq, bTwice)) = (a.along(d), b.along(d))
                let turn: T.QuarterVector = loadChannels(g + bond * 2 * channels + channel, count)
                let square: T.QuarterVector = loadChannels(g + (bond * 2 + 1) * channels + channel, count)
                let twice = square + square
                // (d · Q_j d) d - Q_j d, and the same of i.
                let p = (bTwice * d.0 - bq.0, bTwice * d.1 - bq.1, bTwice * d.2 - bq.2)
                let o = (aTwice * d.0 - aq.0, aTwice * d.1 - aq.1, aTwice * d.2 - aq.2)
                @inline(__always) func slope(
                    _ aVector: T.QuarterVector, _ bVector: T.QuarterVector,
                    _ aRow: (T.QuarterVector, T.QuarterVector, T.QuarterVector),
                    _ bRow: (T.QuarterVector, T.QuarterVector, T.QuarterVector)
                ) -> T.QuarterVector {
                    let ofMatrices = (aRow.0 * p.0).addingProduct(aRow.1, p.1).addingProduct(aRow.2, p.2)
                        .addingProduct(bRow.0, o.0).addingProduct(bRow.1, o.1).addingProduct(bRow.2, o.2)
                    return twice * ofMatrices - turn * (aVector * bv).addingProduct(bVector, av)
                }
                sx += slope(a.x, b.x, (a.xx, a.xy, a.xz), (b.xx, b.xy, b.xz))
                sy += slope(a.y, b.y, (a.yx, a.yy, a.yz), (b.yx, b.yy, b.yz))
                sz += slope(a.z, b.z, (a.zx, a.zy, a.zz), (b.zx, b.zy, b.zz))
            }
            (out[3 * bond], out[3 * bond + 1], out[3 * bond + 2]) = (sumOfLanes(sx), sumOfLanes(sy), sumOfLanes(sz))
        }
    }
}
