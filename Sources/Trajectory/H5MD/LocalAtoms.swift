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

    /// No atoms.
    public static var none: LocalAtoms { LocalAtoms(count: 0, ids: nil, species: nil, positions: nil) }
}
