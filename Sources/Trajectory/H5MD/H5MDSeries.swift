import HDF5

/// The datasets of a particle trajectory that grow with its frames.
struct H5MDSeries {
    var step: Dataset
    var time: Dataset
    var edges: Dataset
    var origin: Dataset
    var observables: [Dataset]
    var id: Dataset
    var species: Dataset
    var scalars: [Dataset]
    var velocity: Dataset?
    var image: Dataset?
    var position: Dataset
    /// Fixed in time. [N]
    var mass: Dataset

    /// All growing datasets, positions last.
    var growing: [Dataset] {
        [step, time, edges, origin] + observables + [id, species] + scalars + [velocity, image].compactMap { $0 } + [position]
    }

    /// Makes all of them `frames` long. Collective.
    func resize(frames: Int) throws {
        try Dataset.resize(growing.filter { $0.shape[0] != frames }.map { ($0, [frames] + $0.shape.dropFirst()) })
    }
}

// MARK: Creation

extension H5MDSeries {
    /// Makes the groups and datasets of an empty trajectory. Collective.
    ///
    /// Positions are made last: a flush writes metadata in order of address, so that a process killed within one
    /// leaves no position without its step and time.
    static func create(in file: File, atomCount: Int, species: SpeciesTable, box: SimulationBox,
                       options: H5MDOptions) throws -> H5MDSeries {
        let root = try file.root
        try writeHeader(root, options)
        let table = try root.createGroup("parameters/species")
        try table.writeStrings("symbol", species.symbols)
        try table.writeDataset("mass", species.masses).setAttribute("unit", Units.H5MD.mass)

        let all = try root.createGroup("particles/all")
        let frameNumbers = DatasetStorage.growing(chunk: [256], shape: [0])
        let step = try all.createDataset("position/step", of: Int64.self, shape: [0], storage: frameNumbers)
        let time = try all.createDataset("position/time", of: Double.self, shape: [0], storage: frameNumbers)
        try time.setAttribute("unit", Units.H5MD.time)

        func element(_ path: String, in group: Group, ofAtoms: Bool = true, shape: [Int], wide: Bool, real: Bool,
                     unit: String?) throws -> Dataset {
            let deflate = ofAtoms ? options.deflate : nil
            let chunk = ofAtoms ? options.chunk(frameShape: shape, bytes: wide ? 8 : 4) : [256] + shape
            let storage = DatasetStorage.growing(chunk: chunk, shape: [0] + shape, deflate: deflate)
            let name = path + "/value"
            let dataset: Dataset
            switch (real, wide) {
            case (true, true): dataset = try group.createDataset(name, of: Double.self, shape: [0] + shape, storage: storage)
            case (true, false): dataset = try group.createDataset(name, of: Float.self, shape: [0] + shape, storage: storage)
            case (false, true): dataset = try group.createDataset(name, of: Int64.self, shape: [0] + shape, storage: storage)
            case (false, false): dataset = try group.createDataset(name, of: Int32.self, shape: [0] + shape, storage: storage)
            }
            if let unit, !unit.isEmpty { try dataset.setAttribute("unit", unit) }
            if path != "position" {
                try group.link(path + "/step", to: step.path)
                try group.link(path + "/time", to: time.path)
            }
            return dataset
        }

        let boxGroup = try all.createGroup("box")
        try boxGroup.setAttribute("dimension", Int32(3))
        try boxGroup.setAttribute("boundary", (0..<3).map { box.boundary($0) == .periodic ? "periodic" : "none" })
        let edges = try element("edges", in: boxGroup, ofAtoms: false, shape: [3], wide: true, real: true, unit: Units.H5MD.length)
        let origin = try element("origin", in: boxGroup, ofAtoms: false, shape: [3], wide: true, real: true, unit: Units.H5MD.length)
        let observables = try options.observables.map {
            try element("observables/\($0.name)", in: root, ofAtoms: false, shape: [], wide: true, real: true, unit: $0.unit)
        }
        let mass = try all.createDataset("mass", of: Double.self, shape: [atomCount])
        try mass.setAttribute("unit", Units.H5MD.mass)

        let wide = options.precision == .float64
        let id = try element("id", in: all, shape: [atomCount], wide: options.hasWideIdentifiers, real: false, unit: nil)
        let kind = try element("species", in: all, shape: [atomCount], wide: false, real: false, unit: nil)
        let scalars = try options.scalars.map {
            try element($0.name, in: all, shape: [atomCount], wide: wide, real: true, unit: $0.unit)
        }
        let velocity = options.hasVelocities
            ? try element("velocity", in: all, shape: [atomCount, 3], wide: wide, real: true, unit: Units.H5MD.velocity) : nil
        let image = options.hasImages
            ? try element("image", in: all, shape: [atomCount, 3], wide: false, real: false, unit: nil) : nil
        let position = try element("position", in: all, shape: [atomCount, 3], wide: wide, real: true,
                                   unit: Units.H5MD.length)
        return H5MDSeries(step: step, time: time, edges: edges, origin: origin, observables: observables, id: id,
                          species: kind, scalars: scalars, velocity: velocity, image: image, position: position, mass: mass)
    }

    private static func writeHeader(_ root: Group, _ options: H5MDOptions) throws {
        let header = try root.createGroup("h5md")
        try header.setAttribute("version", [Int32(1), Int32(1)])
        try header.createGroup("author").setAttribute("name", options.author)
        let creator = try header.createGroup("creator")
        try creator.setAttribute("name", "SAGES")
        try creator.setAttribute("version", options.creatorVersion)
        let units = try header.createGroup("modules/units")
        try units.setAttribute("version", [Int32(1), Int32(0)])
    }
}

// MARK: Opening

extension H5MDSeries {
    struct Found {
        var series: H5MDSeries
        var frameCount: Int
        var atomCount: Int
        var species: SpeciesTable
        var options: H5MDOptions
        var hasMasses: Bool
    }

    /// Finds the datasets of a trajectory that this writer made. Every rank calls it.
    ///
    /// A writer that was killed within a flush may have left datasets of different lengths; the frames that all of
    /// them have count.
    static func open(in file: File) throws -> Found {
        let root = try file.root
        guard root.exists("h5md"), root.exists("particles/all/box/origin/value"), root.exists("parameters/species") else {
            throw TrajectoryError(file: file.path, message: "it is not a trajectory that SAGES wrote, so it cannot be appended to")
        }
        let all = try root.group("particles/all")
        let position = try all.dataset("position/value")
        guard position.shape.count == 3, position.shape[2] == 3 else {
            throw TrajectoryError(file: file.path, message: "the positions have the shape \(position.shape)")
        }
        let atomCount = position.shape[1]
        func optional(_ name: String) throws -> Dataset? { all.exists(name) ? try all.dataset(name) : nil }
        func quantity(_ name: String, _ dataset: Dataset) throws -> H5MDOptions.Quantity {
            .init(name: name, unit: dataset.hasAttribute("unit") ? try dataset.stringAttribute("unit") : "")
        }
        var scalars: [Dataset] = [], scalarNames: [H5MDOptions.Quantity] = []
        let known: Set = ["position", "velocity", "image", "species", "id", "box", "mass"]
        for name in try all.memberNames where !known.contains(name) && all.exists(name + "/value") {
            scalars.append(try all.dataset(name + "/value"))
            scalarNames.append(try quantity(name, scalars[scalars.count - 1]))
        }
        var observables: [Dataset] = [], observableNames: [H5MDOptions.Quantity] = []
        if root.exists("observables") {
            let group = try root.group("observables")
            for name in try group.memberNames where group.exists(name + "/value") {
                observables.append(try group.dataset(name + "/value"))
                observableNames.append(try quantity(name, observables[observables.count - 1]))
            }
        }
        let id = try all.dataset("id/value")
        let series = H5MDSeries(
            step: try all.dataset("position/step"), time: try all.dataset("position/time"),
            edges: try all.dataset("box/edges/value"), origin: try all.dataset("box/origin/value"),
            observables: observables, id: id, species: try all.dataset("species/value"), scalars: scalars,
            velocity: try optional("velocity/value"), image: try optional("image/value"), position: position,
            mass: try all.dataset("mass"))
        let options = H5MDOptions(
            precision: position.elements == .float(bytes: 8) ? .float64 : .float32,
            hasVelocities: series.velocity != nil, hasImages: series.image != nil, deflate: try position.storage.deflate,
            hasWideIdentifiers: id.elements == .integer(bytes: 8, signed: true), scalars: scalarNames,
            observables: observableNames)
        let table = try root.group("parameters/species")
        let symbols = try table.dataset("symbol").readStrings()
        let masses = try table.dataset("mass").read(Double.self, transfer: .independent)
        guard symbols.count == masses.count else {
            throw TrajectoryError(file: file.path, message: "there are \(symbols.count) species symbols and \(masses.count) masses")
        }
        let frameCount = series.growing.map { $0.shape[0] }.min() ?? 0
        return Found(series: series, frameCount: frameCount, atomCount: atomCount,
                     species: SpeciesTable(symbols: symbols, masses: masses), options: options, hasMasses: frameCount > 0)
    }
}
