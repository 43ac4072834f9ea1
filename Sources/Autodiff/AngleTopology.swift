import Kernels
import Tensor

/// Which bonds have a center in common, and so an angle.
public final class AngleTopology {
    /// The center of each bond; the bonds of a center follow one another.
    public let centers: RowMap
    /// The two bonds of each angle; each angle is there twice, once from either side. Needed by second derivatives alone: a
    /// program without them may do with no rows.
    public let firstBond: RowMap
    public let secondBond: RowMap

    /// Whether sums are recorded one operation after the other, over rows of angles: less work where second derivatives, which
    /// are made of those operations, are wanted too.
    public let isRecorded: Bool

    public init(centers: RowMap, firstBond: RowMap, secondBond: RowMap, isRecorded: Bool = false) {
        (self.centers, self.firstBond, self.secondBond) = (centers, firstBond, secondBond)
        self.isRecorded = isRecorded
    }

    var pieces: Int { min(max(centers.source.capacity / 256, 1), 64) }

    func centers(piece: Int, of pieces: Int) -> Range<Int> {
        let count = centers.source.count
        return (piece * count / pieces)..<((piece + 1) * count / pieces)
    }
}

extension AngleTopology: Hashable {
    public static func == (left: AngleTopology, right: AngleTopology) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
