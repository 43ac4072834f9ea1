/// Memory for what is listed or packed anew every time, such as messages of varying length: kept, and grown only when
/// more is asked for than ever before. Contents are lost on growth.
public final class GrowingBuffer<Element: BitwiseCopyable> {
    public private(set) var pointer: UnsafeMutablePointer<Element>
    public private(set) var capacity: Int
    /// How often memory was allocated; constant in the steady state.
    public private(set) var allocations = 1
    /// Elements appended since the last `reserve`.
    @usableFromInline var appendedCount = 0

    public init(capacity: Int = 16) {
        self.capacity = max(capacity, 1)
        pointer = .allocate(capacity: self.capacity)
    }

    deinit { pointer.deallocate() }

    /// Memory for at least `count` elements, uninitialized. Grows by half as much again, so that slow growth does not
    /// allocate every time.
    @discardableResult
    public func reserve(_ count: Int) -> UnsafeMutablePointer<Element> {
        appendedCount = 0
        if count > capacity {
            pointer.deallocate()
            capacity = count + count / 2
            pointer = .allocate(capacity: capacity)
            allocations += 1
        }
        return pointer
    }

    /// The first `count` elements.
    public func view(_ count: Int) -> UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: pointer, count: count) }

    /// Appends to memory that `reserve` made.
    @inlinable
    public func append(_ element: Element) {
        precondition(appendedCount < capacity, "more is appended than was reserved")
        pointer[appendedCount] = element
        appendedCount += 1
    }

    /// The elements appended since the last `reserve`.
    public var appended: UnsafeBufferPointer<Element> { view(appendedCount) }

    /// The number of elements appended since the last `reserve`.
    public var count: Int { appendedCount }
}
