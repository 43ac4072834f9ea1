import HDF5
import MPI

/// Writes trajectories of densities in the layout of `AbundanceFile`, each rank those that it has, in any order.
///
/// The file is there from the beginning, under a temporary name, with densities that are no numbers: what was written when a job
/// ends early is found again. It gets its name when it is whole, and has the same bytes for any number of ranks.
public final class AbundanceWriter {
    /// What a file is to hold.
    public struct Description: Sendable {
        public var species: [String]
        /// yr
        public var times: [Double]
        /// [trajectories]
        public var temperatures, ionizationRates: [Double]
        /// Attributes of `/provenance`: where the trajectories come from, by name.
        public var provenance: [(name: String, value: String)]

        public init(
            species: [String], times: [Double], temperatures: [Double], ionizationRates: [Double],
            provenance: [(name: String, value: String)]
        ) {
            (self.species, self.times, self.provenance) = (species, times, provenance)
            (self.temperatures, self.ionizationRates) = (temperatures, ionizationRates)
        }
    }

    public let path: String
    /// Whether each trajectory was there already.
    public let isDone: [Bool]
    private let communicator: Communicator
    private let file: File
    private let log10: Dataset
    private let shape: [Int]

    /// Begins a file, or goes on with one that was begun with the same description. Collective.
    ///
    /// - Throws: `AbundanceError` (65) where what was begun is something else; `HDF5Error`.
    public init(_ path: String, _ description: Description, communicator: Communicator) throws {
        self.path = path
        self.communicator = communicator
        shape = [description.temperatures.count, description.times.count, description.species.count]
        let temporary = try communicator.agree { try WholeFile(path).temporaryPath }
        let isThere = try communicator.broadcast(communicator.rank == 0 && File.hasContent(temporary), root: 0)
        if !isThere {
            let new = try File.create(temporary, communicator: communicator)
            try AbundanceWriter.describe(description, in: new)
            try new.close()
        }
        file = try File.open(temporary, .readWrite, communicator: communicator)
        let root = try file.root
        let provenance = try communicator.agree { try root.group("provenance") }
        for (name, value) in description.provenance {
            let found = try communicator.agree { try provenance.stringAttribute(name) }
            guard found == value else {
                throw AbundanceError(
                    file: temporary, reason: "it was begun with another \(name) (\(found), now \(value)); remove it to begin anew")
            }
        }
        log10 = try communicator.agree { try root.dataset("abundance/log10") }
        guard log10.shape == shape else {
            throw AbundanceError(file: temporary, reason: "it was begun for \(log10.shape), not \(shape); remove it to begin anew")
        }
        isDone = try communicator.agree { [log10, shape] in
            try (0..<shape[0]).map { trajectory in
                guard isThere else { return false }
                let values = try log10.read(
                    Double.self, .box(offset: [trajectory, 0, 0], count: [1] + shape[1...]), transfer: .independent)
                return values.allSatisfy(\.isFinite)
            }
        }
    }

    private static func describe(_ description: Description, in file: File) throws {
        let root = try file.root
        let species = description.species
        let log10 = try root.createDataset(
            "abundance/log10", of: Double.self, shape: [description.temperatures.count, description.times.count, species.count],
            storage: DatasetStorage(fillValue: .nan))
        try log10.setAttribute("axes", "trajectory,time,species")
        try log10.setAttribute("unit", "log10(cm^-3)")
        let time = try root.writeDataset("time", description.times)
        try time.setAttribute("unit", "yr")
        try time.setAttribute("seconds", FullOrderSolver.secondsPerYear)
        try root.writeStrings("species", species)
        try root.writeDataset("conditions/temperature", description.temperatures).setAttribute("unit", "K")
        try root.writeDataset("conditions/ionization_rate", description.ionizationRates).setAttribute("unit", "s^-1")
        let provenance = try root.createGroup("provenance")
        for (name, value) in description.provenance { try provenance.setAttribute(name, value) }
    }

    /// Writes one trajectory, log10 of cm^-3. Not collective.
    ///
    /// - Parameter values: [time, species]
    public func write(_ trajectory: Int, _ values: UnsafeBufferPointer<Double>) throws {
        try log10.write(values, .box(offset: [trajectory, 0, 0], count: [1] + shape[1...]), transfer: .independent)
    }

    /// Closes the file; gives it its name if it is whole. Collective.
    public func close(isWhole: Bool) throws {
        try file.close()
        guard isWhole else { return }
        try communicator.agree { if communicator.rank == 0 { try WholeFile(path).commit() } }
    }
}
