import CMPI

/// A communicator whose ranks form a grid of three axes; rank order is z, y, x with x fastest.
public final class CartesianCommunicator {
    public let communicator: Communicator
    /// Ranks along each axis.
    public let sizes: (z: Int, y: Int, x: Int)
    /// Whether the ranks of an axis form a ring.
    public let periodic: (z: Bool, y: Bool, x: Bool)
    /// This rank's place.
    public let coordinates: (z: Int, y: Int, x: Int)

    private init(_ communicator: Communicator, sizes: (z: Int, y: Int, x: Int), periodic: (z: Bool, y: Bool, x: Bool)) throws {
        var place = [Int32](repeating: 0, count: 3)
        try check(MPI_Cart_coords(communicator.raw, Int32(communicator.rank), 3, &place), "MPI_Cart_coords",
                  rank: communicator.rank)
        self.communicator = communicator
        self.sizes = sizes
        self.periodic = periodic
        coordinates = (Int(place[0]), Int(place[1]), Int(place[2]))
    }

    /// Lays the first z·y·x ranks of `communicator` out as a grid; nil on the ranks left over. Throws `MPIError` if
    /// there are fewer. Collective over all ranks of `communicator`.
    public static func make(from communicator: Communicator, sizes: (z: Int, y: Int, x: Int),
                            periodic: (z: Bool, y: Bool, x: Bool)) throws -> CartesianCommunicator? {
        let operation: StaticString = "MPI_Cart_create"
        let axes = [try communicator.narrow(sizes.z, operation), try communicator.narrow(sizes.y, operation),
                    try communicator.narrow(sizes.x, operation)]
        let ring: [Int32] = [periodic.z ? 1 : 0, periodic.y ? 1 : 0, periodic.x ? 1 : 0]
        var box = sages_mpi_comm()
        try check(sages_mpi_cart_create(communicator.raw, 3, axes, ring, &box), operation, rank: communicator.rank)
        if sages_mpi_comm_is_null(box) != 0 { return nil }
        return try CartesianCommunicator(Communicator(owning: box), sizes: sizes, periodic: periodic)
    }

    /// The rank at a place; nil outside the grid on an axis that is not periodic.
    public func rank(atZ z: Int, y: Int, x: Int) -> Int? {
        guard let z = wrap(z, sizes.z, periodic.z), let y = wrap(y, sizes.y, periodic.y),
              let x = wrap(x, sizes.x, periodic.x) else { return nil }
        return (z * sizes.y + y) * sizes.x + x
    }

    /// The rank at an offset (each -1, 0 or 1, or more) from this one; nil beyond an axis that is not periodic. It may
    /// be this very rank.
    public func neighbor(z: Int, y: Int, x: Int) -> Int? {
        rank(atZ: coordinates.z + z, y: coordinates.y + y, x: coordinates.x + x)
    }

    private func wrap(_ index: Int, _ size: Int, _ isPeriodic: Bool) -> Int? {
        if isPeriodic { return ((index % size) + size) % size }
        return (0..<size).contains(index) ? index : nil
    }
}
