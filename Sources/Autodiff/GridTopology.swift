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
/// The memory that convolutions over it need is kept here, shared by all of them.
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

    private var padded: [Int: Buffer<UInt8>] = [:]

    public init(
        _ name: String, extents: CellExtents, origin: CellExtents = CellExtents(z: 0, y: 0, x: 0), samples: Int = 1,
        periodic: (z: Bool, y: Bool, x: Bool), exchange: (any GridExchange)? = nil
    ) {
        precondition(samples == 1 || exchange == nil, "a distributed grid holds one sample")
        domain = RowDomain(name, capacity: samples * extents.count, count: samples * extents.count)
        self.extents = extents
        self.origin = origin
        self.samples = samples
        self.periodic = periodic
        self.exchange = exchange
    }

    func makePadded<Scalar: KernelScalar>(_ type: Scalar.Type, channels: Int) {
        let bytes = CellStrides(packed: extents, padding: 1, channels: channels).z * (extents.z + 2)
            * MemoryLayout<Scalar>.stride
        if (padded[channels]?.count ?? 0) < bytes { padded[channels] = Buffer(repeating: 0, count: bytes) }
    }

    /// The shared padded box for `channels` numbers a cell.
    private func paddedBox<Scalar: KernelScalar>(_: Scalar.Type, channels: Int) -> UnsafeMutablePointer<Scalar> {
        UnsafeMutableRawPointer(padded[channels]!.pointer).assumingMemoryBound(to: Scalar.self)
    }

    /// Calls `body` with the padded copy of one sample's rows and the boxes of outputs that can be computed: first those
    /// whose windows need no halo, then, when the halo has arrived, the others.
    ///
    /// - Parameters:
    ///   - outputs: the extents of the outputs, for windows of width 3 at `stride` cells from one another.
    func withHalo<Scalar: KernelScalar>(
        _ rows: UnsafePointer<Scalar>, channels: Int, outputs: CellExtents, inner: CellBox,
        _ body: (UnsafePointer<Scalar>, CellBox) throws -> Void
    ) throws {
        let target = paddedBox(Scalar.self, channels: channels)
        let strides = CellStrides(packed: extents, padding: 1, channels: channels)
        for z in 0..<extents.z {
            for y in 0..<extents.y {
                copy(
                    target + strides.offset(z + 1, y + 1, 1), rows + (z * extents.y + y) * extents.x * channels,
                    count: extents.x * channels)
            }
        }
        guard let exchange else {
            fillLocally(target, strides, channels)
            return try body(target, CellBox(extents: outputs))
        }
        try exchange.start(padded: target, channels: channels)
        if inner.extents.count > 0 { try body(target, inner) }
        try exchange.finish(padded: target, channels: channels)
        try GridTopology.forEachShellBox(of: outputs, around: inner) { try body(target, $0) }
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
