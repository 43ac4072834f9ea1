import HDF5

extension H5MDReader {
    /// Numbers of each atom and frame beside the standard ones, under `/particles/all`, by name; none in files of other
    /// programs, whose particles have another name. Not collective.
    public func scalars() throws -> [H5MDOptions.Quantity] {
        let root = try file.root
        guard root.isGroup("particles/all") else { return [] }
        let all = try root.group("particles/all")
        return try all.memberNames.sorted().compactMap { name in
            guard all.isDataset("\(name)/value") else { return nil }
            let dataset = try all.dataset("\(name)/value")
            guard !["id", "species"].contains(name), dataset.shape.count == 2, dataset.shape[1] == atomCount,
                  dataset.shape[0] >= frameCount else { return nil }
            return .init(name: name, unit: dataset.hasAttribute("unit") ? try dataset.stringAttribute("unit") : "")
        }
    }

    /// The components of a frame's virial, eV; none where the file has none. Not collective.
    ///
    /// - Throws: `HDF5Error`; `TrajectoryError` (65) where a component has no number for the frame, or one in another unit.
    public func virial(frame: Int) throws -> [Double] {
        let root = try file.root
        guard root.isGroup("observables/virial_xx") else { return [] }
        return try Virial.observables.map { component in
            let dataset = try root.dataset("observables/\(component.name)/value")
            guard dataset.shape.count == 1, dataset.shape[0] > frame, try dataset.stringAttribute("unit") == component.unit else {
                throw TrajectoryError(file: path, message: "\(dataset.path) has no number of eV for each frame")
            }
            return try dataset.read(Double.self, .box(offset: [frame], count: [1]), transfer: .independent)[0]
        }
    }

    /// One of these numbers of all atoms in a frame. Not collective.
    ///
    /// - Throws: `HDF5Error`.
    public func readScalar(_ name: String, frame: Int) throws -> [Double] {
        try file.root.dataset("particles/all/\(name)/value").read(
            Double.self, .box(offset: [frame, 0], count: [1, atomCount]), transfer: .independent)
    }
}
