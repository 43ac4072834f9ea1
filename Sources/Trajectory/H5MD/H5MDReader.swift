import HDF5
import MPI

/// Reads particle trajectories in H5MD, from any number of ranks.
///
/// Files of other programs are read too: elements fixed in time, steps and times by interval, other units, boxes
/// given by their (rectangular) edge vectors. Only the first group under `/particles` is read. What a killed writer
/// left of an unfinished frame does not count.
public final class H5MDReader {
    /// What atoms have.
    public enum Quantity: Sendable, Hashable {
        /// Angstrom; 3 components.
        case position
        /// Angstrom/ps; 3 components.
        case velocity
        /// Boxes; 3 components.
        case image
        /// Index into `species`; 1 component.
        case species
        /// 1 component.
        case id

        public var components: Int {
            switch self {
            case .position, .velocity, .image: 3
            case .species, .id: 1
            }
        }

        var name: String {
            switch self {
            case .position: "position"
            case .velocity: "velocity"
            case .image: "image"
            case .species: "species"
            case .id: "id"
            }
        }
    }

    /// A dataset that has a value a frame, or one for all frames.
    struct Element {
        let dataset: Dataset
        let isFixed: Bool
        /// What stored numbers are multiplied by; nil for 1.
        let factor: Double?
    }

    public let path: String
    /// The HDF5 file, for other groups in it.
    public let file: File
    public let atomCount: Int
    public let frameCount: Int
    /// Step of each frame. [frameCount]
    public let steps: [Int64]
    /// Time of each frame, ps. [frameCount]
    public let times: [Double]
    /// Symbols and masses by species index; nil if the file does not have them (files of other programs).
    public let species: SpeciesTable?
    /// How positions are stored.
    public let precision: H5MDOptions.Precision
    private let elements: [Quantity: Element]
    private let boxes: H5MDBoxes

    /// Opens a trajectory. Collective with a communicator.
    /// - Throws: `HDF5Error` (66 if the file is missing, 65 if it is damaged), `TrajectoryError` (65) if it has no
    ///   trajectory.
    public convenience init(_ path: String, communicator: Communicator? = nil) throws {
        try self.init(try File.open(path, communicator: communicator))
    }

    /// Reads the trajectory of a file that is open. Every rank calls it.
    public init(_ file: File) throws {
        self.file = file
        path = file.path
        let root = try file.root
        guard root.isGroup("particles"), let name = try root.group("particles").memberNames.first,
              root.isGroup("particles/\(name)"), root.exists("particles/\(name)/position") else {
            throw TrajectoryError(file: file.path, message: "it holds no particle trajectory (no positions under /particles)")
        }
        let group = try root.group("particles/\(name)")
        var elements: [Quantity: Element] = [:]
        for quantity in [Quantity.position, .velocity, .image, .species, .id] {
            elements[quantity] = try Self.element(quantity, in: group)
        }
        guard let position = elements[.position], !position.isFixed else {
            throw TrajectoryError(file: file.path, message: "its positions are fixed in time")
        }
        atomCount = position.dataset.shape[1]
        guard atomCount > 0 else { throw TrajectoryError(file: file.path, message: "it holds no atoms") }
        for (quantity, element) in elements {
            let expected = [atomCount] + (quantity.components == 3 ? [3] : [])
            guard Array(element.isFixed ? element.dataset.shape : Array(element.dataset.shape.dropFirst())) == expected else {
                throw TrajectoryError(file: file.path, message: "\(element.dataset.path) has the shape \(element.dataset.shape), "
                                      + "which does not fit \(atomCount) atoms")
            }
        }
        precision = position.dataset.elements == .float(bytes: 8) ? .float64 : .float32
        let numbers = try H5MDFrameNumbers(in: try group.group("position"), limit: position.dataset.shape[0])
        boxes = try H5MDBoxes(in: group)
        var frames = min(numbers.steps.count, numbers.times.count)
        for element in elements.values where !element.isFixed { frames = min(frames, element.dataset.shape[0]) }
        if let limit = boxes.frameCount { frames = min(frames, limit) }
        frameCount = frames
        steps = Array(numbers.steps.prefix(frames))
        times = Array(numbers.times.prefix(frames))
        species = try Self.speciesTable(root)
        self.elements = elements
    }

    public var hasVelocities: Bool { elements[.velocity] != nil }
    public var hasImages: Bool { elements[.image] != nil }
    /// Whether the file has a quantity.
    public func has(_ quantity: Quantity) -> Bool { elements[quantity] != nil }

    /// The box of a frame. Not collective.
    public func box(frame: Int) throws -> SimulationBox {
        try check(frame..<frame + 1, 0..<0)
        return try boxes.box(frame)
    }

    /// Reads a quantity of some frames and atoms; ranks may ask for different ones, or for none.
    ///
    /// - Parameters:
    ///   - atoms: range of rows; rows are in ascending order of ids in files of SAGES.
    ///   - buffer: [frames, atoms, components], row-major.
    ///   - transfer: collective over the reader's communicator unless given.
    /// - Throws: `TrajectoryError` (65) if the file lacks the quantity, frames or atoms; `HDF5Error` if it is damaged.
    public func read<T: HDF5Datatype & BinaryFloatingPoint>(_ quantity: Quantity, frames: Range<Int>, atoms: Range<Int>,
                                                            into buffer: UnsafeMutableBufferPointer<T>,
                                                            transfer: Transfer = .collective) throws {
        let factor = try readStored(quantity, frames: frames, atoms: atoms, into: buffer, transfer: transfer)
        guard let factor else { return }
        for index in buffer.indices { buffer[index] *= T(factor) }
    }

    /// Reads an integer quantity (id, species, image). See the floating-point form.
    public func read<T: HDF5Datatype & FixedWidthInteger>(_ quantity: Quantity, frames: Range<Int>, atoms: Range<Int>,
                                                          into buffer: UnsafeMutableBufferPointer<T>,
                                                          transfer: Transfer = .collective) throws {
        _ = try readStored(quantity, frames: frames, atoms: atoms, into: buffer, transfer: transfer)
    }

    /// Reads a whole frame in the file's order of atoms. Where ids are missing atoms are numbered from 1 on, where
    /// species are missing they are 0. Each rank that calls reads.
    public func readFrame(_ index: Int, into frame: inout AtomFrame) throws {
        try check(index..<index + 1, 0..<0)
        frame.step = steps[index]
        frame.time = times[index]
        frame.box = try boxes.box(index)
        func fill<T: HDF5Datatype>(_ array: inout [T], _ quantity: Quantity, _ body: (UnsafeMutableBufferPointer<T>) throws -> Void,
                                   zero: T) throws {
            let count = has(quantity) ? atomCount * quantity.components : 0
            if array.count != count { array = [T](repeating: zero, count: count) }
            if count > 0 { try array.withUnsafeMutableBufferPointer { try body($0) } }
        }
        let frames = index..<index + 1, all = 0..<atomCount
        try fill(&frame.positions, .position, { try read(.position, frames: frames, atoms: all, into: $0, transfer: .independent) }, zero: 0)
        try fill(&frame.velocities, .velocity, { try read(.velocity, frames: frames, atoms: all, into: $0, transfer: .independent) }, zero: 0)
        try fill(&frame.images, .image, { try read(.image, frames: frames, atoms: all, into: $0, transfer: .independent) }, zero: 0)
        try fill(&frame.species, .species, { try read(.species, frames: frames, atoms: all, into: $0, transfer: .independent) }, zero: 0)
        try fill(&frame.ids, .id, { try read(.id, frames: frames, atoms: all, into: $0, transfer: .independent) }, zero: 0)
        frame.virial = try virial(frame: index)
        if frame.species.isEmpty { frame.species = [Int32](repeating: 0, count: atomCount) }
        if frame.ids.isEmpty { frame.ids = (1...Int64(atomCount)).map { $0 } }
    }

    private func readStored<T: HDF5Datatype>(_ quantity: Quantity, frames: Range<Int>, atoms: Range<Int>,
                                             into buffer: UnsafeMutableBufferPointer<T>, transfer: Transfer) throws -> Double? {
        let agreed = transfer == .collective ? file.communicator : nil
        func arguments() throws -> (Element, Selection) {
            guard let element = elements[quantity] else {
                throw TrajectoryError(file: path, message: "it has no \(quantity.name)")
            }
            try check(frames, atoms)
            precondition(buffer.count == frames.count * atoms.count * quantity.components, "the buffer has another size")
            let inner = quantity.components == 3 ? [3] : []
            let zeros = inner.map { _ in 0 }
            if element.isFixed {
                guard frames.count <= 1 else {
                    throw TrajectoryError(file: path, message: "its \(quantity.name) is fixed in time and is read for one frame at a time")
                }
                return (element, .box(offset: [atoms.lowerBound] + zeros, count: [frames.isEmpty ? 0 : atoms.count] + inner))
            }
            return (element, .box(offset: [frames.lowerBound, atoms.lowerBound] + zeros, count: [frames.count, atoms.count] + inner))
        }
        let (element, selection) = try agreed.map { try $0.agree(arguments) } ?? arguments()
        try element.dataset.read(into: buffer, selection, transfer: transfer)
        return element.factor
    }

    private func check(_ frames: Range<Int>, _ atoms: Range<Int>) throws {
        guard frames.isEmpty || (frames.lowerBound >= 0 && frames.upperBound <= frameCount) else {
            throw TrajectoryError(file: path, message: "it has \(frameCount) frames, so \(frames) cannot be read")
        }
        guard atoms.isEmpty || (atoms.lowerBound >= 0 && atoms.upperBound <= atomCount) else {
            throw TrajectoryError(file: path, message: "it has \(atomCount) atoms, so \(atoms) cannot be read")
        }
    }

    private static func element(_ quantity: Quantity, in group: Group) throws -> Element? {
        guard group.exists(quantity.name) else { return nil }
        let isFixed = group.isDataset(quantity.name)
        let dataset = try group.dataset(isFixed ? quantity.name : quantity.name + "/value")
        guard dataset.shape.count == (quantity.components == 3 ? 2 : 1) + (isFixed ? 0 : 1), dataset.elements.isNumber else {
            throw TrajectoryError(file: dataset.file.path, message: "\(dataset.path) has the shape \(dataset.shape) of \(dataset.elements.name)")
        }
        try dataset.checkExtents()
        var factor: Double?
        if dataset.hasAttribute("unit"), quantity == .position || quantity == .velocity {
            let unit = try dataset.stringAttribute("unit")
            guard let known = quantity == .position ? H5MDUnits.length(unit) : H5MDUnits.velocity(unit) else {
                throw TrajectoryError(file: dataset.file.path, message: "\(dataset.path): the unit \"\(unit)\" is not known")
            }
            factor = known == 1 ? nil : known
        }
        return Element(dataset: dataset, isFixed: isFixed, factor: factor)
    }

    private static func speciesTable(_ root: Group) throws -> SpeciesTable? {
        guard root.isDataset("parameters/species/symbol"), root.isDataset("parameters/species/mass") else { return nil }
        let symbols = try root.dataset("parameters/species/symbol").readStrings()
        let masses = try root.dataset("parameters/species/mass").read(Double.self, transfer: .independent)
        guard symbols.count == masses.count else {
            throw TrajectoryError(file: root.file.path, message: "there are \(symbols.count) species symbols and \(masses.count) masses")
        }
        return SpeciesTable(symbols: symbols, masses: masses)
    }
}

extension H5MDReader {
    func storedDataset(of quantity: Quantity) -> Dataset? { elements[quantity]?.dataset }
    func isFixed(_ quantity: Quantity) -> Bool { elements[quantity]?.isFixed ?? false }
}
