import HDF5
import MPI
import Training

/// `/baselines/linear` of a model file: groups `pattern0`, `pattern1`, ... with the datasets `cells` (of 5x5x5; z, y, x
/// with x fastest) and `weights` [6 cells + 1, 6]; attributes `offset_scale` (Angstrom) and `velocity_scale`
/// (Angstrom/ps). Or the attribute `unavailable`: why there is none.
extension LinearBaseline {
    /// Writes the groups below the root of a model file.
    func write(to root: Group) throws {
        let group = try root.createGroup("baselines").createGroup("linear")
        switch self {
        case .unavailable(let reason):
            try group.setAttribute("unavailable", reason)
        case .fitted(let regression):
            try group.setAttribute("offset_scale", regression.offsetScale)
            try group.setAttribute("velocity_scale", regression.velocityScale)
            try group.setAttribute("patterns", regression.sublattices.count)
            for (index, sublattice) in regression.sublattices.enumerated() {
                let pattern = try group.createGroup("pattern\(index)")
                try pattern.writeDataset("cells", sublattice.cells)
                try pattern.writeDataset(
                    "weights", sublattice.weights, shape: [sublattice.columns, LatticeRegression.outputs])
            }
        }
    }

    /// Reads a model file's baseline on every rank. Collective.
    ///
    /// - Throws: on every rank, `HDF5Error`, `TrainingError`; `SAGESnetError.unsuitableData` for groups that are damaged.
    public static func load(_ model: String, communicator: Communicator) throws -> LinearBaseline {
        try communicator.agree {
            let file = try ModelFile.open(model)
            let baseline = try LinearBaseline(from: file.root)
            try file.close()
            return baseline
        }
    }

    /// Reads the group below the root of a model file.
    init(from root: Group) throws {
        guard root.isGroup("baselines"), try root.group("baselines").isGroup("linear") else {
            self = .unavailable(reason: "the model file holds no regression")
            return
        }
        let group = try root.group("baselines").group("linear")
        if group.hasAttribute("unavailable") {
            self = .unavailable(reason: try group.stringAttribute("unavailable"))
            return
        }
        func damaged(_ what: String) -> SAGESnetError {
            .unsuitableData(file: root.file.path, reason: "\(group.path): \(what)")
        }
        func scale(_ name: String) throws -> Double {
            guard let value = try group.attribute(name, as: Double.self).first, value.isFinite, value > 0 else {
                throw damaged("\(name) is not a positive number")
            }
            return value
        }
        let count = try group.attribute("patterns", as: Int.self).first ?? 0
        var patterns: Set<[Int]> = []
        var sublattices: [LatticeRegression.Sublattice] = []
        for index in 0..<max(0, min(count, LatticeNeighborhood.count)) {
            let pattern = try group.group("pattern\(index)")
            let cells = try pattern.dataset("cells").read(Int.self)
            let weights = try pattern.dataset("weights").read(Double.self)
            let sublattice = LatticeRegression.Sublattice(cells: cells, weights: weights)
            guard zip(cells, cells.dropFirst()).allSatisfy({ $0 < $1 }),
                cells.allSatisfy({ (0..<LatticeNeighborhood.count).contains($0) }),
                weights.count == sublattice.columns * LatticeRegression.outputs, patterns.insert(cells).inserted
            else { throw damaged("pattern\(index) is damaged") }
            sublattices.append(sublattice)
        }
        self = .fitted(
            LatticeRegression(
                sublattices, offsetScale: try scale("offset_scale"), velocityScale: try scale("velocity_scale")))
    }
}
