import Kernels

// The passes over a rank's atoms that steps are made of. Functions for concrete scalars, for a simulation spends as long
// in a generic conversion of numbers as in a layer of its network. Each atom's numbers depend on that atom alone, and sums
// are those of integers, so that neither the order of atoms nor their distribution matters.

/// What a pass found, to be added up over ranks.
struct MotionSums {
    /// Sums of mass times change, in units of `Conservation.scale`.
    var velocity = SIMD3<Int64>()
    var displacement = SIMD3<Int64>()
    /// Atoms whose change cannot be used: not a number, too far, too fast.
    var unusable = 0
    /// Atoms that come near a face of their cell, or cross it.
    var nearFaces = 0
}

/// How far atoms may move.
struct MotionLimits {
    /// Of a step, Angstrom.
    var displacement: Double
    /// From a cell's center along each axis: within, an atom is far enough from the faces for a correction to be added,
    /// Angstrom.
    var reach: SIMD3<Double>

    @inline(__always)
    func allow(displacement vector: SIMD3<Double>) -> Bool {
        // Written so that a NaN fails.
        (vector * vector).sum() < displacement * displacement
    }

    @inline(__always)
    func allow(velocity: SIMD3<Double>) -> Bool {
        (velocity * velocity).sum() < Conservation.largestVelocity * Conservation.largestVelocity
    }

    @inline(__always)
    func isWithinReach(_ place: SIMD3<Double>) -> Bool {
        abs(place.x) <= reach.x && abs(place.y) <= reach.y && abs(place.z) <= reach.z
    }
}

@inline(__always)
private func vector<S: KernelScalar>(_ numbers: UnsafePointer<S>, _ entry: Int32) -> SIMD3<Double> {
    let first = numbers + 3 * Int(entry)
    return SIMD3(Double(first[0]), Double(first[1]), Double(first[2]))
}

@inline(__always)
private func store<S: KernelScalar>(_ vector: SIMD3<Double>, _ numbers: UnsafeMutablePointer<S>, _ entry: Int32) {
    let first = numbers + 3 * Int(entry)
    first[0] = S(vector.x)
    first[1] = S(vector.y)
    first[2] = S(vector.z)
}

/// v <- v + kick + correction.
@specialized(where S == Float)
@specialized(where S == Double)
func applyKick<S: KernelScalar>(_ kick: UnsafePointer<S>, correction: SIMD3<Double>, to atoms: AtomStore.Arrays) {
    for index in 0..<atoms.count {
        atoms.atoms[index].velocity = atoms.atoms[index].velocity + vector(kick, atoms.entries[index]) + correction
    }
}

/// v <- v + kick + correction; `places` <- offset + duration (v + kick), where the next kick acts: as the model was trained,
/// without the correction.
@specialized(where S == Float)
@specialized(where S == Double)
func applyKick<S: KernelScalar>(
    _ kick: UnsafePointer<S>, correction: SIMD3<Double>, to atoms: AtomStore.Arrays, drifting duration: Double,
    places: UnsafeMutablePointer<S>
) {
    for index in 0..<atoms.count {
        let entry = atoms.entries[index]
        let velocity = atoms.atoms[index].velocity + vector(kick, entry)
        atoms.atoms[index].velocity = velocity + correction
        store(SIMD3(atoms.offsets, 3 * index) + duration * velocity, places, entry)
    }
}

/// The momentum of a kick.
@specialized(where S == Float)
@specialized(where S == Double)
func sum<S: KernelScalar>(kick: UnsafePointer<S>, of atoms: AtomStore.Arrays, within limits: MotionLimits) -> MotionSums {
    var sums = MotionSums()
    for index in 0..<atoms.count {
        let change = vector(kick, atoms.entries[index])
        guard limits.allow(velocity: atoms.atoms[index].velocity + change) else {
            sums.unusable += 1
            continue
        }
        sums.velocity &+= Conservation.units(atoms.atoms[index].mass * change)
    }
    return sums
}

/// The momentum of a kick that acts for `lever` of the step's `duration`.
@specialized(where S == Float)
@specialized(where S == Double)
func sum<S: KernelScalar>(
    kick: UnsafePointer<S>, of atoms: AtomStore.Arrays, duration: Double, lever: Double, within limits: MotionLimits
) -> MotionSums {
    var sums = MotionSums()
    for index in 0..<atoms.count {
        let change = vector(kick, atoms.entries[index])
        let velocity = atoms.atoms[index].velocity
        let displacement = duration * velocity + lever * change
        guard limits.allow(velocity: velocity + change), limits.allow(displacement: displacement) else {
            sums.unusable += 1
            continue
        }
        sums.velocity &+= Conservation.units(atoms.atoms[index].mass * change)
        if !limits.isWithinReach(SIMD3(atoms.offsets, 3 * index) + displacement) { sums.nearFaces += 1 }
    }
    return sums
}

/// Drifts for `duration` with a kick that acts for `lever` of it; `places` <- offset.
@specialized(where S == Float)
@specialized(where S == Double)
func move<S: KernelScalar>(
    _ atoms: AtomStore.Arrays, duration: Double, kick: UnsafePointer<S>, correction: SIMD3<Double>, lever: Double,
    places: UnsafeMutablePointer<S>
) {
    for index in 0..<atoms.count {
        let entry = atoms.entries[index]
        let change = vector(kick, entry) + correction
        let velocity = atoms.atoms[index].velocity
        let place = atoms.displace(index, by: duration * velocity + lever * change)
        atoms.atoms[index].velocity = velocity + change
        store(place, places, entry)
    }
}

/// What the increments of a step add to momentum and to the moment of mass.
@specialized(where S == Float)
@specialized(where S == Double)
func sum<S: KernelScalar>(
    displacement: UnsafePointer<S>, kick: UnsafePointer<S>, of atoms: AtomStore.Arrays, duration: Double,
    within limits: MotionLimits
) -> MotionSums {
    var sums = MotionSums()
    for index in 0..<atoms.count {
        let entry = atoms.entries[index]
        let (moved, change) = (vector(displacement, entry), vector(kick, entry))
        let velocity = atoms.atoms[index].velocity
        let total = duration * velocity + moved
        guard limits.allow(velocity: velocity + change), limits.allow(displacement: total) else {
            sums.unusable += 1
            continue
        }
        sums.displacement &+= Conservation.units(atoms.atoms[index].mass * moved)
        sums.velocity &+= Conservation.units(atoms.atoms[index].mass * change)
        if !limits.isWithinReach(SIMD3(atoms.offsets, 3 * index) + total) { sums.nearFaces += 1 }
    }
    return sums
}

/// Applies the increments of a step and what corrects them.
@specialized(where S == Float)
@specialized(where S == Double)
func move<S: KernelScalar>(
    _ atoms: AtomStore.Arrays, duration: Double, displacement: UnsafePointer<S>, kick: UnsafePointer<S>,
    displacementCorrection: SIMD3<Double>, velocityCorrection: SIMD3<Double>
) {
    for index in 0..<atoms.count {
        let entry = atoms.entries[index]
        let velocity = atoms.atoms[index].velocity
        _ = atoms.displace(
            index, by: duration * velocity + (vector(displacement, entry) + displacementCorrection))
        atoms.atoms[index].velocity = velocity + (vector(kick, entry) + velocityCorrection)
    }
}

/// Writes all that a network reads of the atoms.
@specialized(where S == Float)
@specialized(where S == Double)
func write<S: KernelScalar>(_ atoms: AtomStore.Arrays, to writer: CellWriter<S>) {
    for index in 0..<atoms.count {
        let atom = atoms.atoms[index]
        writer.write(
            Int(atoms.entries[index]), element: atom.element, mobility: atom.mobility,
            offset: SIMD3(atoms.offsets, 3 * index), velocity: atom.velocity)
    }
}

/// Writes offsets and velocities where all else has stayed.
@specialized(where S == Float)
@specialized(where S == Double)
func writeMotion<S: KernelScalar>(_ atoms: AtomStore.Arrays, to writer: CellWriter<S>) {
    for index in 0..<atoms.count {
        writer.write(
            Int(atoms.entries[index]), offset: SIMD3(atoms.offsets, 3 * index), velocity: atoms.atoms[index].velocity)
    }
}

extension AtomStore.Arrays {
    /// Moves an atom, Angstrom; its position stays a multiple of `AtomGrid.quantum`, so that it is exactly its cell's
    /// center plus its new offset, which is returned.
    @inline(__always)
    func displace(_ index: Int, by displacement: SIMD3<Double>) -> SIMD3<Double> {
        let moved = AtomGrid.quantized(displacement: displacement)
        atoms[index].position += moved
        let place = SIMD3(offsets, 3 * index) + moved
        for axis in 0..<3 { offsets[3 * index + axis] = place[axis] }
        return place
    }
}
