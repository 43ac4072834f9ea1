import Kernels
import Tensor

/// Fills the halo of padded fields, in two steps so that work can go on between them.
public protocol GridExchange: AnyObject {
    /// Begins to fill the halo of a padded box [z + 2, y + 2, x + 2, channels] around owned cells. Collective.
    func start<Scalar: KernelScalar>(padded: UnsafeMutablePointer<Scalar>, channels: Int) throws
    /// Ends it. Collective.
    func finish<Scalar: KernelScalar>(padded: UnsafeMutablePointer<Scalar>, channels: Int) throws
}

/// A dense box of cells whose vectors are the rows of variables, z, y, x with x fastest, sample after sample.
///
/// Convolutions read cells where they are. Halo cells of a grid that this rank holds alone are its own rows again, or
/// one cell of zeros beyond an open end; those of other ranks arrive in a padded box of which only the shell is used.
/// Small grids, which are mostly shell, are copied into the padded box instead. The memory for that is kept here,
/// shared by all convolutions over the grid.
public final class GridTopology {
    public let domain: RowDomain
    /// This rank's cells.
    public let extents: CellExtents
    /// Coordinates of the first of them in the whole grid.
    public let origin: CellExtents
    /// How many boxes of cells lie behind one another in the rows; more than one only without an exchange.
    public let samples: Int
    /// Which axes are periodic where no exchange fills the halo; the halo of the others is zero.
    public let periodic: (z: Bool, y: Bool, x: Bool)
    /// Fills the halo from other ranks; nil where this rank holds the whole grid.
    public let exchange: (any GridExchange)?

    /// Where the halo is read.
    enum HaloPlace: Equatable {
        /// Around a copy of the field.
        case padded
        /// Wherever it is; the field itself is not copied.
        case inPlace
    }
    let haloPlace: HaloPlace

    private var padded: [Int: Buffer<UInt8>] = [:]
    private var zeros: Buffer<UInt8>?

    /// The shortest axis for which reading in place is faster: below it, the shell's short lines cost more than a copy.
    private static let shortestInPlace = 10

    public convenience init(
        _ name: String, extents: CellExtents, origin: CellExtents = CellExtents(z: 0, y: 0, x: 0), samples: Int = 1,
        periodic: (z: Bool, y: Bool, x: Bool), exchange: (any GridExchange)? = nil
    ) {
        let isLarge = min(extents.z, extents.y, extents.x) >= GridTopology.shortestInPlace
        self.init(name, extents: extents, origin: origin, samples: samples, periodic: periodic, exchange: exchange,
                  haloPlace: isLarge ? .inPlace : .padded)
    }

    init(
        _ name: String, extents: CellExtents, origin: CellExtents = CellExtents(z: 0, y: 0, x: 0), samples: Int,
        periodic: (z: Bool, y: Bool, x: Bool), exchange: (any GridExchange)?, haloPlace: HaloPlace
    ) {
        precondition(samples == 1 || exchange == nil, "a distributed grid holds one sample")
        domain = RowDomain(name, capacity: samples * extents.count, count: samples * extents.count)
        self.extents = extents
        self.origin = origin
        self.samples = samples
        self.periodic = periodic
        self.exchange = exchange
        self.haloPlace = haloPlace
    }

    /// Makes the memory for convolutions that read `channels` numbers a cell.
    func prepare<Scalar: KernelScalar>(_ type: Scalar.Type, channels: Int) {
        let size = MemoryLayout<Scalar>.stride
        if haloPlace == .padded || exchange != nil {
            let bytes = CellStrides(packed: extents, padding: 1, channels: channels).z * (extents.z + 2) * size
            if (padded[channels]?.count ?? 0) < bytes { padded[channels] = Buffer(repeating: 0, count: bytes) }
        } else if (zeros?.count ?? 0) < channels * size {
            zeros = Buffer(repeating: 0, count: channels * size)
        }
    }

    /// The shared padded box for `channels` numbers a cell.
    private func paddedBox<Scalar: KernelScalar>(_: Scalar.Type, channels: Int) -> UnsafeMutablePointer<Scalar> {
        UnsafeMutableRawPointer(padded[channels]!.pointer).assumingMemoryBound(to: Scalar.self)
    }

    /// Calls `body` with one sample's cells and halo, copied or exchanged, and the boxes of outputs that can be computed:
    /// first those whose windows need no halo, then, when the halo has arrived, the others.
    ///
    /// - Parameters:
    ///   - rows: the first row of the sample.
    ///   - outputs: the extents of the outputs.
    ///   - inner: the outputs that need no halo.
    func withHalo<Scalar: KernelScalar>(
        _ rows: UnsafePointer<Scalar>, channels: Int, outputs: CellExtents, inner: CellBox,
        _ body: (ConvolutionField<Scalar>, CellBox) throws -> Void
    ) throws {
        let target = paddedBox(Scalar.self, channels: channels)
        let strides = CellStrides(packed: extents, padding: 1, channels: channels)
        copyToPadded(target, strides, rows, channels, shellOnly: haloPlace == .inPlace)
        guard let exchange else {
            fillLocally(target, strides, channels)
            let field = ConvolutionField(padded: UnsafePointer(target), strides, extents: extents, padding: 1)
            return try body(field, CellBox(extents: outputs))
        }
        try exchange.start(padded: target, channels: channels)
        let halo = ConvolutionField<Scalar>.Box(origin: target + strides.offset(1, 1, 1), strides: strides)
        var boxes = InlineArray<27, ConvolutionField<Scalar>.Box>(repeating: halo)
        if haloPlace == .inPlace {
            boxes[ConvolutionField<Scalar>.direction(0, 0, 0)] = ConvolutionField<Scalar>.Box(
                origin: rows, strides: CellStrides(packed: extents, channels: channels))
        }
        try withUnsafeBytes(of: &boxes) { bytes in
            // The boxes lie behind one another.
            let boxes = bytes.baseAddress!.assumingMemoryBound(to: ConvolutionField<Scalar>.Box.self)
            let field = haloPlace == .inPlace
                ? ConvolutionField(boxes: boxes, extents: extents)
                : ConvolutionField(padded: UnsafePointer(target), strides, extents: extents, padding: 1)
            if inner.extents.count > 0 { try body(field, inner) }
            try exchange.finish(padded: target, channels: channels)
            try GridTopology.forEachShellBox(of: outputs, around: inner) { try body(field, $0) }
        }
    }

    /// Calls `body` with one sample's cells and the halo of a grid that this rank holds alone, nothing copied.
    func withWrappedHalo<Scalar: KernelScalar>(
        _ rows: UnsafePointer<Scalar>, channels: Int, _ body: (ConvolutionField<Scalar>) throws -> Void
    ) rethrows {
        let strides = CellStrides(packed: extents, channels: channels)
        let owned = ConvolutionField<Scalar>.Box(origin: rows, strides: strides)
        var boxes = InlineArray<27, ConvolutionField<Scalar>.Box>(repeating: owned)
        for z in -1...1 {
            for y in -1...1 {
                for x in -1...1 {
                    let isOpen = z != 0 && !periodic.z || y != 0 && !periodic.y || x != 0 && !periodic.x
                    let box = isOpen
                        ? ConvolutionField<Scalar>.Box(
                            origin: UnsafeRawPointer(zeros!.pointer).assumingMemoryBound(to: Scalar.self),
                            strides: CellStrides(z: 0, y: 0, x: 0))
                        : ConvolutionField<Scalar>.Box(
                            origin: rows - strides.offset(z * extents.z, y * extents.y, x * extents.x),
                            strides: strides)
                    boxes[ConvolutionField<Scalar>.direction(z, y, x)] = box
                }
            }
        }
        try withUnsafeBytes(of: &boxes) { bytes in
            // The boxes lie behind one another.
            let boxes = bytes.baseAddress!.assumingMemoryBound(to: ConvolutionField<Scalar>.Box.self)
            try body(ConvolutionField(boxes: boxes, extents: extents))
        }
    }

    /// Copies one sample's cells into the padded box: all, or those at the surface alone, which other ranks need.
    private func copyToPadded<Scalar: KernelScalar>(
        _ target: UnsafeMutablePointer<Scalar>, _ strides: CellStrides, _ rows: UnsafePointer<Scalar>, _ channels: Int,
        shellOnly: Bool
    ) {
        for z in 0..<extents.z {
            for y in 0..<extents.y {
                let line = rows + (z * extents.y + y) * extents.x * channels
                let padded = target + strides.offset(z + 1, y + 1, 1)
                if !shellOnly || z == 0 || z == extents.z - 1 || y == 0 || y == extents.y - 1 {
                    copy(padded, line, count: extents.x * channels)
                } else {
                    let last = (extents.x - 1) * channels
                    copy(padded, line, count: channels)
                    copy(padded + last, line + last, count: channels)
                }
            }
        }
    }

    /// The halo of a grid that this rank holds alone: axis by axis, so that edges and corners follow.
    private func fillLocally<Scalar: KernelScalar>(
        _ target: UnsafeMutablePointer<Scalar>, _ strides: CellStrides, _ channels: Int
    ) {
        func fill(_ halo: Int, _ source: Int, _ isPeriodic: Bool, _ count: Int) {
            if isPeriodic {
                copy(target + halo, target + source, count: count)
            } else {
                Kernels.fill(target + halo, with: 0, count: count)
            }
        }
        for z in 1...max(extents.z, 1) {
            for y in 1...max(extents.y, 1) {
                let line = strides.offset(z, y, 0)
                fill(line, line + extents.x * strides.x, periodic.x, channels)
                fill(line + (extents.x + 1) * strides.x, line + strides.x, periodic.x, channels)
            }
            let plane = strides.offset(z, 0, 0)
            fill(plane, plane + extents.y * strides.y, periodic.y, strides.y)
            fill(plane + (extents.y + 1) * strides.y, plane + strides.y, periodic.y, strides.y)
        }
        fill(0, extents.z * strides.z, periodic.z, strides.z)
        fill((extents.z + 1) * strides.z, strides.z, periodic.z, strides.z)
    }

    /// The boxes of `outputs` outside `inner`: two slabs along z, then y, then x.
    private static func forEachShellBox(
        of outputs: CellExtents, around inner: CellBox, _ body: (CellBox) throws -> Void
    ) rethrows {
        guard inner.extents.count > 0 else { return try body(CellBox(extents: outputs)) }
        let (low, size) = (inner.origin, inner.extents)
        let high = CellExtents(z: low.z + size.z, y: low.y + size.y, x: low.x + size.x)
        func slab(_ z: Range<Int>, _ y: Range<Int>, _ x: Range<Int>) throws {
            guard !z.isEmpty, !y.isEmpty, !x.isEmpty else { return }
            try body(
                CellBox(
                    origin: CellExtents(z: z.lowerBound, y: y.lowerBound, x: x.lowerBound),
                    extents: CellExtents(z: z.count, y: y.count, x: x.count)))
        }
        try slab(0..<low.z, 0..<outputs.y, 0..<outputs.x)
        try slab(high.z..<outputs.z, 0..<outputs.y, 0..<outputs.x)
        try slab(low.z..<high.z, 0..<low.y, 0..<outputs.x)
        try slab(low.z..<high.z, high.y..<outputs.y, 0..<outputs.x)
        try slab(low.z..<high.z, low.y..<high.y, 0..<low.x)
        try slab(low.z..<high.z, low.y..<high.y, high.x..<outputs.x)
    }
}

extension GridTopology: Hashable {
    public static func == (left: GridTopology, right: GridTopology) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
