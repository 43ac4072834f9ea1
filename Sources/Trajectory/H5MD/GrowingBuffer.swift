/// Memory that grows when more is asked for and keeps what it has; contents are lost on growth.
final class GrowingBuffer<Element: BitwiseCopyable> {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var capacity: Int
    /// How often memory was allocated; constant in the steady state.
    private(set) var allocations = 1

    init() {
        capacity = 16
        pointer = .allocate(capacity: capacity)
    }

    deinit { pointer.deallocate() }

    /// Memory for at least `count` elements, uninitialized.
    func reserve(_ count: Int) -> UnsafeMutablePointer<Element> {
        if count > capacity {
            pointer.deallocate()
            capacity = count + count / 4
            pointer = .allocate(capacity: capacity)
            allocations += 1
        }
        return pointer
    }

    func view(_ count: Int) -> UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: pointer, count: count) }
}
