/// How an H5MD file is written.
public struct H5MDOptions: Sendable, Equatable {
    /// Precision of positions, velocities and scalars.
    public enum Precision: String, Sendable, CaseIterable { case float32, float64 }

    /// A named number of each frame (an observable) or of each atom and frame (a scalar).
    public struct Quantity: Sendable, Equatable {
        public var name: String
        /// In H5MD's notation, such as "eV"; empty for numbers without a unit.
        public var unit: String

        public init(name: String, unit: String) {
            self.name = name
            self.unit = unit
        }
    }

    public var precision: Precision
    public var hasVelocities: Bool
    public var hasImages: Bool
    /// Deflate level 1 to 9; nil for none. Compressed trajectories are smaller and slower to write and to read.
    public var deflate: Int?
    /// Ids are stored with 32 bits unless this is true.
    public var hasWideIdentifiers: Bool
    /// Numbers of each atom that change with time, under `/particles/all`.
    public var scalars: [Quantity]
    /// Numbers of each frame, under `/observables`.
    public var observables: [Quantity]
    /// How many ranks write; nil for as many as have enough to write. No part of the file, which is the same for any
    /// number. One rank alone suits file systems that do not keep apart what several nodes write into one block, as NFS.
    public var writers: Int?
    /// Who wrote the file, for `/h5md/author`.
    public var author: String
    /// The program's version, for `/h5md/creator`.
    public var creatorVersion: String

    public init(precision: Precision = .float32, hasVelocities: Bool = true, hasImages: Bool = false, deflate: Int? = nil,
                hasWideIdentifiers: Bool = false, scalars: [Quantity] = [], observables: [Quantity] = [],
                writers: Int? = nil, author: String = "SAGES", creatorVersion: String = "1") {
        self.precision = precision
        self.hasVelocities = hasVelocities
        self.hasImages = hasImages
        self.deflate = deflate
        self.hasWideIdentifiers = hasWideIdentifiers
        self.scalars = scalars
        self.observables = observables
        self.writers = writers
        self.author = author
        self.creatorVersion = creatorVersion
    }

    /// Extents of a chunk of a dataset of frames of `frameShape` elements of `bytes` bytes.
    ///
    /// A chunk holds many small frames or a part of a large one; it never depends on the number of ranks. Many frames
    /// to a chunk also mean that the index of chunks changes seldom: appending a frame to an allocated chunk changes
    /// nothing but the dataset's length.
    func chunk(frameShape: [Int], bytes: Int) -> [Int] {
        let frameBytes = max(1, frameShape.reduce(bytes, *))
        let rowBytes = frameShape.isEmpty ? bytes : max(1, frameBytes / max(1, frameShape[0]))
        let target = deflate == nil ? 1 << 20 : 1 << 18
        let frames = deflate != nil && !frameShape.isEmpty ? 1 : min(64, max(1, target / frameBytes))
        let largest = deflate == nil ? 1 << 25 : 1 << 20
        guard frameBytes > largest, let first = frameShape.first else { return [frames] + frameShape }
        return [1, min(first, max(1, largest / rowBytes))] + frameShape.dropFirst()
    }
}
