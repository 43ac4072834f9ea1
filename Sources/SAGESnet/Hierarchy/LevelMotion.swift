import Grid
import Kernels

/// The motion as a whole of a level's atoms: their total momentum, and where their center of mass is on its way, which no
/// step may change (004, "Potential challenges").
///
/// What decoded atoms are away from it is taken from all in equal parts, as codes of a uniform motion and of a uniform
/// shift: encoding is linear. Sums are of integers, so they have the same bits on any number of ranks.
struct LevelMotion {
    /// Atoms of this rank, as `AtomBlocks.residents` has them.
    private let residents: [(atom: Int, place: Int)]
    /// Of all atoms, u.
    private let masses: [Double]
    private let totalMass: Double
    private let configuration: LevelConfiguration
    private let normalization: LevelNormalization
    /// Of the start, in units of `Conservation`.
    private var momentum = SIMD3<Int64>()
    private var moment = SIMD3<Int64>()
    /// Of the center of mass, Angstrom/ps.
    private var velocity = SIMD3<Double>()

    /// - Parameter frame: the last one of the start.
    init(_ blocks: AtomBlocks, frame: Int, _ box: CellRange, _ model: LevelModel) throws {
        residents = blocks.residents(box)
        masses = blocks.run.masses
        totalMass = masses.reduce(0, +)
        configuration = model.configuration
        normalization = model.normalization
        let start = try blocks.frame(frame)
        for atom in 0..<blocks.run.atomCount {
            momentum &+= Conservation.units(masses[atom] * SIMD3(start.velocities.pointer, 3 * atom))
            moment &+= Conservation.units(masses[atom] * blocks.offset(of: atom, in: start))
        }
        velocity = -Conservation.correction(ofSum: momentum, totalMass: totalMass)
    }

    /// The momentum and the moment of mass of this rank's atoms, in units of `Conservation`; nil where they are too large.
    ///
    /// - Parameter numbers: decoded, of the last block of level 1 that a state covers.
    func sums<Scalar: KernelScalar>(_ numbers: UnsafePointer<Scalar>) -> (momentum: SIMD3<Int64>, moment: SIMD3<Int64>)? {
        var sums = (momentum: SIMD3<Int64>(), moment: SIMD3<Int64>())
        let last = numbers + (configuration.steps - 1) * configuration.slots * 6
        for (atom, place) in residents {
            let values = last + place
            let offset = normalization.offset * SIMD3(Double(values[0]), Double(values[1]), Double(values[2]))
            let motion = normalization.velocity * SIMD3(Double(values[3]), Double(values[4]), Double(values[5]))
            // Sums of so many atoms as memory holds stay in range; what is not finite is refused too.
            guard (offset * offset).sum() + (motion * motion).sum() < 0x1p20 else { return nil }
            sums.momentum &+= Conservation.units(masses[atom] * motion)
            sums.moment &+= Conservation.units(masses[atom] * offset)
        }
        return sums
    }

    /// What all atoms get: of velocities, Angstrom/ps, and of positions, Angstrom.
    ///
    /// - Parameters:
    ///   - sums: over all ranks.
    ///   - time: since the start.
    func correction(
        _ sums: (momentum: SIMD3<Int64>, moment: SIMD3<Int64>), time: Double
    ) -> (velocity: SIMD3<Double>, displacement: SIMD3<Double>) {
        (Conservation.correction(ofSum: sums.momentum &- momentum, totalMass: totalMass),
         Conservation.correction(ofSum: sums.moment &- moment, totalMass: totalMass) + time * velocity)
    }

    /// Writes what a correction is in the readable numbers of all times that a state covers, for `LevelCodec.encode`.
    func write<Scalar: KernelScalar>(
        _ correction: (velocity: SIMD3<Double>, displacement: SIMD3<Double>), into codec: LevelCodec<Scalar>
    ) {
        let frames = configuration.frames(configuration.level)
        for frame in 0..<frames {
            let (block, within) = frame.quotientAndRemainder(dividingBy: configuration.steps)
            let before = Double(frames - 1 - frame) * normalization.stride.time
            let offset = (correction.displacement - before * correction.velocity) / normalization.offset
            let motion = correction.velocity / normalization.velocity
            let numbers = codec.readable(block) + within * configuration.slots * 6
            for (_, place) in residents {
                for axis in 0..<3 {
                    numbers[place + axis] = Scalar(offset[axis])
                    numbers[place + 3 + axis] = Scalar(motion[axis])
                }
            }
        }
    }
}
