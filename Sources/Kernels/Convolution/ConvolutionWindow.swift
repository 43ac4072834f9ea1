// Which source cells the target cells of a box read, and where those lie.

/// What the targets [0, cells) along one axis read: target t reads the source cells sourceStep t + source + m,
/// m in [0, taps), and stands at cell target + targetStep t of its field.
struct AxisWindow {
    var target: Int
    var targetStep: Int
    var cells: Int
    /// The first source cell of the first target; -1 in the halo.
    var source: Int
    var sourceStep: Int
    var taps: Int
    /// The tap of the packed weights that tap 0 is, and from tap to tap.
    var firstTap: Int
    var tapStep: Int

    /// The targets from `first` on, `count` of them.
    func part(_ first: Int, _ count: Int) -> Self {
        var part = self
        part.target += first * targetStep
        part.source += first * sourceStep
        part.cells = count
        return part
    }

    /// Calls `body` with the parts whose targets all find a tap in the same box: the first target where it reads the
    /// halo, the last one where it does, and those between.
    @inline(__always)
    func forEachPart(extent: Int, isSplit: Bool, _ body: (Self) -> Void) {
        let low = isSplit && cells > 0 && source < 0 ? 1 : 0
        let high = isSplit && cells > low && source + sourceStep * (cells - 1) + taps > extent ? 1 : 0
        if low > 0 { body(part(0, 1)) }
        if cells > low + high { body(part(low, cells - low - high)) }
        if high > 0 { body(part(cells - 1, 1)) }
    }

    /// The direction of the box that holds a tap of every target of a part.
    @inline(__always)
    func direction(_ tap: Int, extent: Int) -> Int {
        source + tap < 0 ? -1 : source + tap >= extent ? 1 : 0
    }
}

/// Contiguous source channels that each target of a part reads: one tap, or several that lie side by side.
struct Tap<Scalar: KernelScalar> {
    /// For the part's first target.
    var source: UnsafePointer<Scalar>
    /// Elements from target to target.
    var strides: CellStrides
    /// The first row of weights, and how many channels and rows there are.
    var row: Int
    var run: Int
}

/// The taps of a part in the order of summation, at most 27, in memory of the caller's.
struct TapList<Scalar: KernelScalar> {
    private(set) var count = 0
    private let taps: UnsafeMutablePointer<Tap<Scalar>>

    @inline(__always) subscript(index: Int) -> Tap<Scalar> { taps[index] }

    /// - Parameter part: of a window.
    init(_ part: ConvolutionWindow<Scalar>, in memory: UnsafeMutablePointer<Tap<Scalar>>) {
        taps = memory
        let (field, z, y, x) = (part.source, part.z, part.y, part.x)
        for tz in 0..<z.taps {
            let dz = z.direction(tz, extent: field.extents.z)
            for ty in 0..<y.taps {
                let dy = y.direction(ty, extent: field.extents.y)
                for tx in 0..<x.taps {
                    let box = field.box(dz, dy, x.direction(tx, extent: field.extents.x))
                    let tap = ((z.firstTap + tz * z.tapStep) * part.kernel + y.firstTap + ty * y.tapStep) * part.kernel
                        + x.firstTap + tx * x.tapStep
                    append(Tap(
                        source: box.origin + box.strides.offset(z.source + tz, y.source + ty, x.source + tx),
                        strides: CellStrides(z: z.sourceStep * box.strides.z, y: y.sourceStep * box.strides.y,
                                             x: x.sourceStep * box.strides.x),
                        row: tap * part.channels, run: part.channels))
                }
            }
        }
    }

    /// Appends a tap, to the last one where it continues that one's channels and rows.
    private mutating func append(_ tap: Tap<Scalar>) {
        if count > 0 {
            let last = taps + count - 1
            if last.pointee.source + last.pointee.run == tap.source && last.pointee.strides == tap.strides
                && last.pointee.row + last.pointee.run == tap.row {
                last.pointee.run += tap.run
                return
            }
        }
        taps[count] = tap
        count += 1
    }

    /// Whether every tap steps evenly from the end of a line, or of a plane, to the next one.
    func allSatisfy(_ condition: (CellStrides) -> Bool) -> Bool {
        for index in 0..<count where !condition(taps[index].strides) { return false }
        return true
    }

    /// Exchanges the x axis of the targets with the y axis, or with the z axis.
    func exchangeX(withZ: Bool) {
        for index in 0..<count { taps[index].strides.exchangeX(withZ: withZ) }
    }
}

extension CellStrides {
    mutating func exchangeX(withZ: Bool) { (self.x, self.y, self.z) = withZ ? (z, y, x) : (y, x, z) }
}

extension CellExtents {
    mutating func exchangeX(withZ: Bool) { (self.x, self.y, self.z) = withZ ? (z, y, x) : (y, x, z) }
}

/// Targets and what they read, in parts within which each tap steps evenly through memory.
struct ConvolutionWindow<Scalar: KernelScalar> {
    var source: ConvolutionField<Scalar>
    var z, y, x: AxisWindow
    /// Channels of the source.
    var channels: Int
    var kernel: Int

    /// Calls `body` with each part and its taps, which are its own until it returns.
    @inline(__always)
    func forEachPart(_ body: (Self, TapList<Scalar>) -> Void) {
        let isSplit = source.boxes != nil
        var memory = InlineArray<27, Tap<Scalar>>(
            repeating: Tap(source: source.owned.origin, strides: source.owned.strides, row: 0, run: 0))
        withUnsafeMutableBytes(of: &memory) { bytes in
            let memory = bytes.baseAddress!.assumingMemoryBound(to: Tap<Scalar>.self)
            z.forEachPart(extent: source.extents.z, isSplit: isSplit) { z in
                y.forEachPart(extent: source.extents.y, isSplit: isSplit) { y in
                    x.forEachPart(extent: source.extents.x, isSplit: isSplit) { x in
                        let part = Self(source: source, z: z, y: y, x: x, channels: channels, kernel: kernel)
                        body(part, TapList(part, in: memory))
                    }
                }
            }
        }
    }

    /// Of a part.
    var cells: CellExtents { CellExtents(z: z.cells, y: y.cells, x: x.cells) }

    /// The first target of a part in a field of targets, and from target to target.
    func target(in strides: CellStrides) -> Int { strides.offset(z.target, y.target, x.target) }
    func targetStrides(in strides: CellStrides) -> CellStrides {
        CellStrides(z: z.targetStep * strides.z, y: y.targetStep * strides.y, x: x.targetStep * strides.x)
    }
}
