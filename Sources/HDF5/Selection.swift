import CHDF5

/// Which elements of a dataset a rank reads or writes.
public enum Selection: Sendable, Equatable {
    /// The whole dataset.
    case all
    /// Nothing; the rank takes part in a collective transfer all the same.
    case none
    /// Along each axis `count` elements from `offset` on, every `stride`-th. A count of zero selects nothing.
    case strided(offset: [Int], count: [Int], stride: [Int])

    /// Along each axis `count` adjacent elements from `offset` on.
    public static func box(offset: [Int], count: [Int]) -> Selection {
        .strided(offset: offset, count: count, stride: [Int](repeating: 1, count: count.count))
    }

    /// The `count` entries of the first axis from `first` on, whole along the others of a dataset of this shape.
    public static func rows(_ first: Int, _ count: Int, of shape: [Int]) -> Selection {
        .box(offset: [first] + [Int](repeating: 0, count: shape.count - 1), count: [count] + shape.dropFirst())
    }

    /// The number of elements selected from a dataset of `shape`; nil if the selection does not fit it.
    public func count(in shape: [Int]) -> Int? {
        switch self {
        case .none: return 0
        case .all: return product(shape)
        case .strided(let offset, let count, let stride):
            guard offset.count == shape.count, count.count == shape.count, stride.count == shape.count,
                  let total = product(count) else { return nil }
            if total == 0 { return 0 }
            for axis in shape.indices {
                let (span, overflow) = (count[axis] - 1).multipliedReportingOverflow(by: stride[axis])
                guard !overflow, offset[axis] >= 0, stride[axis] >= 1, offset[axis] < shape[axis],
                      span < shape[axis] - offset[axis] else { return nil }
            }
            return total
        }
    }

    /// The extents of what is selected from a dataset of `shape`, at least one element; [1] for a scalar.
    func extents(in shape: [Int]) -> [Int] {
        if case .strided(_, let count, _) = self, !count.isEmpty { return count }
        return shape.isEmpty ? [1] : shape
    }

    private func product(_ extents: [Int]) -> Int? {
        var total = 1
        for extent in extents {
            let (next, overflow) = total.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { return nil }
            total = next
        }
        return total
    }

    /// Applies the selection, known to fit, to a dataspace.
    func apply(to space: borrowing Dataspace, _ place: Place) throws {
        switch self {
        case .all:
            try place.check(H5Sselect_all(space.identifier), "select", .internal)
        case .none:
            try place.check(H5Sselect_none(space.identifier), "select", .internal)
        case .strided(let offset, let count, let stride):
            if count.contains(0) {
                try place.check(H5Sselect_none(space.identifier), "select", .internal)
            } else {
                try place.check(H5Sselect_hyperslab(space.identifier, H5S_SELECT_SET, offset.map { hsize_t($0) },
                                                    stride.map { hsize_t($0) }, count.map { hsize_t($0) }, nil),
                                "select", .internal)
            }
        }
    }
}
