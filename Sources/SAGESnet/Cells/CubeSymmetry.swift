/// One of the 48 symmetries of the cube: a permutation of the axes with signs. Component a of the image is
/// sign[a] times component axis[a] of the original; axes are 0 (x), 1 (y), 2 (z).
public struct CubeSymmetry: Equatable, Sendable {
    public let axis: SIMD3<Int>
    public let sign: SIMD3<Double>

    public static let identity = CubeSymmetry(axis: SIMD3(0, 1, 2), sign: SIMD3(repeating: 1))

    /// All 48, the identity first.
    public static let all: [CubeSymmetry] = {
        let permutations = [
            SIMD3(0, 1, 2), SIMD3(0, 2, 1), SIMD3(1, 0, 2), SIMD3(1, 2, 0), SIMD3(2, 0, 1), SIMD3(2, 1, 0),
        ]
        return permutations.flatMap { axis in
            (0..<8).map { bits in
                func sign(_ bit: Int) -> Double { bits & bit == 0 ? 1 : -1 }
                return CubeSymmetry(axis: axis, sign: SIMD3(sign(1), sign(2), sign(4)))
            }
        }
    }()

    /// Those that map a grid to itself: only axes of equal length, cells and boundary are exchanged.
    public static func preserving(_ grid: AtomGrid) -> [CubeSymmetry] {
        func areAlike(_ one: Int, _ other: Int) -> Bool {
            grid.box.edges[one] == grid.box.edges[other] && grid.count(one) == grid.count(other)
                && grid.box.boundary(one) == grid.box.boundary(other)
        }
        return all.filter { symmetry in (0..<3).allSatisfy { areAlike($0, symmetry.axis[$0]) } }
    }

    /// 1 for rotations, -1 for those with a mirror.
    var determinant: Double {
        let isCyclic = axis == SIMD3(0, 1, 2) || axis == SIMD3(1, 2, 0) || axis == SIMD3(2, 0, 1)
        return (isCyclic ? 1 : -1) * sign.x * sign.y * sign.z
    }

    /// The image of a vector.
    @inline(__always)
    public func callAsFunction(_ vector: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(
            sign.x * vector[axis.x], sign.y * vector[axis.y], sign.z * vector[axis.z])
    }
}
