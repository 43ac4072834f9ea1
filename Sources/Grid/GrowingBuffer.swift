/// Elements that are listed anew every step, in room that is kept and grows only when a step needs more.
struct GrowingBuffer<Element: BitwiseCopyable>: ~Copyable {
    private var storage: UnsafeMutableBufferPointer<Element>
    private(set) var count = 0

    init(capacity: Int) {
        storage = .allocate(capacity: max(capacity, 1))
    }

    deinit { storage.deallocate() }

    var used: UnsafeBufferPointer<Element> { UnsafeBufferPointer(rebasing: storage[0..<count]) }

    /// Room for `capacity` elements, without content.
    var room: UnsafeMutableBufferPointer<Element> { storage }

    /// Forgets the content and makes room for at least `capacity` elements; true if that took an allocation. Grows by
    /// half as much again, so that slow growth does not allocate every step.
    mutating func reserve(_ capacity: Int) -> Bool {
        count = 0
        guard capacity > storage.count else { return false }
        storage.deallocate()
        storage = .allocate(capacity: capacity + capacity / 2)
        return true
    }

    /// Appends to room that `reserve` made.
    mutating func append(_ element: Element) {
        storage[count] = element
        count += 1
    }
}
