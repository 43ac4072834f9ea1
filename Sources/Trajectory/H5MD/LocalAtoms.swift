/// The atoms that one rank has, in any order; views into the caller's memory, valid during the call they are passed to.
public struct LocalAtoms {
    /// The number of atoms; may be 0.
    public var count: Int
    /// Identifiers, not negative, unique over all ranks. [count]
    public var ids: UnsafePointer<Int64>?
    /// Index into the species table. [count]
    public var species: UnsafePointer<Int32>?
    /// Angstrom. [count * 3]
    public var positions: UnsafePointer<Double>?
    /// Angstrom/ps. [count * 3]; nil if the trajectory has no velocities
    public var velocities: UnsafePointer<Double>?
    /// [count * 3]; nil if the trajectory has no images
    public var images: UnsafePointer<Int32>?
    /// One array for each scalar of the trajectory. [count] each
    public var scalars: [UnsafePointer<Double>]

    public init(count: Int, ids: UnsafePointer<Int64>?, species: UnsafePointer<Int32>?, positions: UnsafePointer<Double>?,
                velocities: UnsafePointer<Double>? = nil, images: UnsafePointer<Int32>? = nil,
                scalars: [UnsafePointer<Double>] = []) {
        self.count = count
        self.ids = ids
        self.species = species
        self.positions = positions
        self.velocities = velocities
        self.images = images
        self.scalars = scalars
    }

    /// Calls `body` with views of a frame's atoms, valid during the call.
    public static func with<T>(_ frame: AtomFrame, scalars: [[Double]] = [], _ body: (LocalAtoms) throws -> T) rethrows -> T {
        if frame.count == 0 { return try body(.none) }
        return try frame.ids.withUnsafeBufferPointer { ids in
            try frame.species.withUnsafeBufferPointer { species in
                try frame.positions.withUnsafeBufferPointer { positions in
                    try frame.velocities.withUnsafeBufferPointer { velocities in
                        try frame.images.withUnsafeBufferPointer { images in
                            let atoms = LocalAtoms(count: ids.count, ids: ids.baseAddress, species: species.baseAddress,
                                                   positions: positions.baseAddress,
                                                   velocities: velocities.isEmpty ? nil : velocities.baseAddress,
                                                   images: images.isEmpty ? nil : images.baseAddress)
                            return try withScalars(atoms, scalars[...], body)
                        }
                    }
                }
            }
        }
    }

    private static func withScalars<T>(_ atoms: LocalAtoms, _ rest: ArraySlice<[Double]>,
                                       _ body: (LocalAtoms) throws -> T) rethrows -> T {
        guard let first = rest.first else { return try body(atoms) }
        return try first.withUnsafeBufferPointer { scalar in
            var more = atoms
            if let base = scalar.baseAddress { more.scalars.append(base) }
            return try withScalars(more, rest.dropFirst(), body)
        }
    }

    /// No atoms.
    public static var none: LocalAtoms { LocalAtoms(count: 0, ids: nil, species: nil, positions: nil) }
}
