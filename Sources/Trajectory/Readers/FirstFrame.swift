import MPI

/// What all ranks must know of the first frame to create a file.
struct FirstFrame {
    var atomCount: Int
    var species: SpeciesTable
    var box: SimulationBox
    var hasVelocities: Bool
    var hasImages: Bool
    var hasVirial: Bool
    var largestID: Int64

    init(_ frame: AtomFrame, _ species: SpeciesTable) {
        atomCount = frame.count
        self.species = species
        box = frame.box
        hasVelocities = frame.hasVelocities
        hasImages = frame.hasImages
        hasVirial = frame.hasVirial
        largestID = frame.ids.last ?? 0
    }

    /// Rank 0's. Collective.
    func broadcast(_ communicator: Communicator) throws -> FirstFrame {
        var result = self
        let periodic = (0..<3).map { box.boundary($0) == .periodic ? Int64(1) : 0 }
        let numbers = try communicator.broadcast([Int64(atomCount), hasVelocities ? 1 : 0, hasImages ? 1 : 0, largestID] + periodic
                                                     + [hasVirial ? 1 : 0], root: 0)
        result.atomCount = Int(numbers[0])
        result.hasVelocities = numbers[1] == 1
        result.hasImages = numbers[2] == 1
        result.largestID = numbers[3]
        result.hasVirial = numbers[7] == 1
        let kinds = numbers[4..<7].map { $0 == 1 ? BoxBoundary.periodic : .open }
        (result.box.boundaryX, result.box.boundaryY, result.box.boundaryZ) = (kinds[0], kinds[1], kinds[2])
        let symbols = try communicator.broadcast(species.symbols.joined(separator: "\n"), root: 0)
        result.species = SpeciesTable(symbols: symbols.split(separator: "\n", omittingEmptySubsequences: false).map(String.init),
                                      masses: try communicator.broadcast(species.masses, root: 0))
        return result
    }
}
