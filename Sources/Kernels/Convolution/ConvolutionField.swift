/// The source of a convolution: a field's own cells and the halo around them, each where it lies.
///
/// A halo cell need not lie beside the field. There are 27 boxes, one for each direction (dz, dy, dx) of -1, 0, 1, and
/// the cells of a direction are evenly spaced in memory: the field's own rows again on the other side of a periodic
/// axis, a neighbor's cells where they were received, or one cell of zeros, over and over (strides 0), beyond an
/// open end.
public struct ConvolutionField<Scalar: KernelScalar> {
    /// Cells of one direction.
    public struct Box {
        /// Where cell (0, 0, 0) of the field would lie in the spacing of this box; cell (z, y, x), which is -1 or the
        /// field's extent along the axes of the direction, lies at `origin` + `strides`.offset(z, y, x).
        public var origin: UnsafePointer<Scalar>
        public var strides: CellStrides

        public init(origin: UnsafePointer<Scalar>, strides: CellStrides) {
            self.origin = origin
            self.strides = strides
        }
    }

    public let extents: CellExtents
    let owned: Box
    /// The boxes by direction; none where the halo lies around the field with its strides.
    let boxes: UnsafePointer<Box>?

    /// A field that lies between its halo.
    ///
    /// - Parameters:
    ///   - corner: the cell `padding` before the field's first along each axis.
    ///   - extents: the field's own cells.
    public init(padded corner: UnsafePointer<Scalar>, _ strides: CellStrides, extents: CellExtents, padding: Int) {
        owned = Box(origin: corner + strides.offset(padding, padding, padding), strides: strides)
        boxes = nil
        self.extents = extents
    }

    /// A field with a halo of one cell elsewhere.
    ///
    /// - Parameter boxes: 27 boxes by `direction`, which stay where they are while the field is in use.
    public init(boxes: UnsafePointer<Box>, extents: CellExtents) {
        owned = boxes[Self.direction(0, 0, 0)]
        self.boxes = boxes
        self.extents = extents
    }

    /// The place of a direction among the boxes, for -1, 0 or 1 along each axis.
    public static func direction(_ z: Int, _ y: Int, _ x: Int) -> Int { ((z + 1) * 3 + y + 1) * 3 + x + 1 }

    /// The box of a direction.
    @inline(__always)
    func box(_ z: Int, _ y: Int, _ x: Int) -> Box {
        guard let boxes else { return owned }
        return boxes[Self.direction(z, y, x)]
    }

    /// Where a cell lies, which may be one cell outside the field.
    @inline(__always)
    func cell(_ z: Int, _ y: Int, _ x: Int) -> UnsafePointer<Scalar> {
        @inline(__always) func direction(_ cell: Int, _ extent: Int) -> Int { cell < 0 ? -1 : cell >= extent ? 1 : 0 }
        let box = box(direction(z, extents.z), direction(y, extents.y), direction(x, extents.x))
        return box.origin + box.strides.offset(z, y, x)
    }
}
