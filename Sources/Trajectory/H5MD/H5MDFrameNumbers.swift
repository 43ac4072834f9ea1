import HDF5

/// Steps and times of a time-dependent element: explicit, or by interval and offset.
struct H5MDFrameNumbers {
    let steps: [Int64]
    let times: [Double]

    /// - Parameter limit: frames of the element; what is stored beyond is not read.
    init(in group: Group, limit: Int) throws {
        let step = try group.dataset("step")
        if step.shape.isEmpty {
            let interval = try step.read(Int64.self, transfer: .independent)[0]
            let offset = step.hasAttribute("offset") ? try step.attribute("offset", as: Int64.self).first ?? 0 : 0
            steps = (0..<limit).map { offset &+ Int64($0) &* interval }
        } else {
            steps = try step.read(Int64.self, .box(offset: [0], count: [min(limit, step.shape[0])]), transfer: .independent)
        }
        guard group.exists("time") else {
            times = steps.map(Double.init)
            return
        }
        let time = try group.dataset("time")
        var factor = 1.0
        if time.hasAttribute("unit") {
            let unit = try time.stringAttribute("unit")
            guard let known = H5MDUnits.time(unit) else {
                throw TrajectoryError(file: group.file.path, message: "\(time.path): the unit \"\(unit)\" is not known")
            }
            factor = known
        }
        if time.shape.isEmpty {
            let interval = try time.read(Double.self, transfer: .independent)[0]
            let offset = time.hasAttribute("offset") ? try time.attribute("offset", as: Double.self).first ?? 0 : 0
            times = (0..<steps.count).map { (offset + Double($0) * interval) * factor }
        } else {
            let stored = try time.read(Double.self, .box(offset: [0], count: [min(steps.count, time.shape[0])]),
                                       transfer: .independent)
            times = factor == 1 ? stored : stored.map { $0 * factor }
        }
    }
}

/// Boxes of a trajectory.
struct H5MDBoxes {
    private let edges: Dataset
    private let origin: Dataset?
    private let isFixed: Bool
    private let isMatrix: Bool
    private let factor: Double
    private let boundaries: (BoxBoundary, BoxBoundary, BoxBoundary)
    /// Frames that boxes are stored for; nil if one holds for all.
    var frameCount: Int? { isFixed ? nil : min(edges.shape[0], origin?.shape[0] ?? .max) }

    init(in particles: Group) throws {
        let path = particles.file.path
        let group = try particles.group("box")
        guard try group.attribute("dimension", as: Int.self) == [3] else {
            throw TrajectoryError(file: path, message: "\(group.path): the box has not 3 dimensions")
        }
        let names = try group.stringsAttribute("boundary")
        guard names.count == 3, names.allSatisfy({ $0 == "periodic" || $0 == "none" }) else {
            throw TrajectoryError(file: path, message: "\(group.path): boundary is \(names), not 3 of periodic and none")
        }
        let kinds = names.map { $0 == "periodic" ? BoxBoundary.periodic : .open }
        boundaries = (kinds[0], kinds[1], kinds[2])
        isFixed = group.isDataset("edges")
        edges = try group.dataset(isFixed ? "edges" : "edges/value")
        let shape = Array(isFixed ? edges.shape[...] : edges.shape.dropFirst())
        guard shape == [3] || shape == [3, 3] else {
            throw TrajectoryError(file: path, message: "\(edges.path) has the shape \(edges.shape)")
        }
        isMatrix = shape.count == 2
        origin = group.exists("origin/value") ? try group.dataset("origin/value") : nil
        if let origin, origin.shape.count != 2 || origin.shape[1] != 3 {
            throw TrajectoryError(file: path, message: "\(origin.path) has the shape \(origin.shape)")
        }
        let unit = edges.hasAttribute("unit") ? try edges.stringAttribute("unit") : Units.H5MD.length
        guard let known = H5MDUnits.length(unit) else {
            throw TrajectoryError(file: path, message: "\(edges.path): the unit \"\(unit)\" is not known")
        }
        factor = known
    }

    func box(_ frame: Int) throws -> SimulationBox {
        let inner = isMatrix ? [3, 3] : [3]
        let selection: Selection = isFixed ? .all : .box(offset: [frame] + inner.map { _ in 0 }, count: [1] + inner)
        let stored = try edges.read(Double.self, selection, transfer: .independent)
        if isMatrix {
            for index in [1, 2, 3, 5, 6, 7] where stored[index] != 0 {
                throw TrajectoryError(file: edges.file.path, frame: frame,
                                      message: "the box is triclinic, which is not supported: only rectangular boxes are")
            }
        }
        let lengths = SIMD3(stored[0], stored[isMatrix ? 4 : 1], stored[isMatrix ? 8 : 2]) * factor
        guard lengths.min() > 0, lengths.max().isFinite else {
            throw TrajectoryError(file: edges.file.path, frame: frame, message: "the edges of the box are \(lengths.x), \(lengths.y), \(lengths.z)")
        }
        let corner = try origin?.read(Double.self, .box(offset: [frame, 0], count: [1, 3]), transfer: .independent) ?? [0, 0, 0]
        return SimulationBox(origin: SIMD3(corner[0], corner[1], corner[2]), edges: lengths, boundaries: boundaries)
    }
}
