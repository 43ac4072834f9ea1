import HDF5

/// The units in which a network sees and changes atoms, from the training set alone: root mean squares.
public struct Normalization: Equatable, Sendable {
    /// Offsets from cell centers, Angstrom.
    public var offset = 1.0
    /// Velocities, Angstrom/ps.
    public var velocity = 1.0
    /// What a ballistic step misses of positions, Angstrom.
    public var displacement = 1.0
    /// What a ballistic step misses of velocities, Angstrom/ps.
    public var kick = 1.0
    /// The time between the frames that were learned, ps.
    public var timeStep = 1.0
    /// Mean and spread of each environment variable over the training runs.
    public var environmentMean: [Double] = []
    public var environmentSpread: [Double] = []

    public init() {}

    /// Writes the group `normalization`.
    func write(to root: Group) throws {
        let group = try root.createGroup("normalization")
        for (name, value) in scalars { try group.writeDataset(name, [value]) }
        if !environmentMean.isEmpty {
            try group.writeDataset("environment_mean", environmentMean)
            try group.writeDataset("environment_spread", environmentSpread)
        }
    }

    /// Reads the group `normalization` of a model file.
    init(from root: Group) throws {
        let group = try root.group("normalization")
        func read(_ name: String) throws -> Double {
            let values = try group.dataset(name).read(Double.self)
            guard values.count == 1, values[0].isFinite else {
                throw SAGESnetError.unsuitableData(
                    file: root.file.path, reason: "/normalization/\(name) is not one finite number")
            }
            return values[0]
        }
        offset = try read("offset")
        velocity = try read("velocity")
        displacement = try read("displacement")
        kick = try read("kick")
        timeStep = try read("time_step")
        if group.exists("environment_mean") {
            environmentMean = try group.dataset("environment_mean").read(Double.self)
            environmentSpread = try group.dataset("environment_spread").read(Double.self)
        }
    }

    private var scalars: [(String, Double)] {
        [
            ("offset", offset), ("velocity", velocity), ("displacement", displacement), ("kick", kick),
            ("time_step", timeStep),
        ]
    }
}
