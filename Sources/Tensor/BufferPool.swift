import Synchronization

/// Memory for array elements: aligned to 64 bytes, with a readable margin behind the end so that a kernel may load
/// a whole vector from the last partial one, and reused by size so that steady states allocate nothing.
public final class BufferPool: Sendable {
    public static let shared = BufferPool()

    /// Alignment of every buffer, in bytes: a cache line, and the widest vector register.
    public static let alignment = 64

    /// Bytes behind the end of every buffer that may be read (not interpreted, never written).
    public static let readableMargin = 128

    /// The unused buffers of each capacity, by `index(ofCapacity:)`. No dictionary: changing a value of one in place
    /// allocates memory.
    private struct FreeLists: ~Copyable {
        var buffers = [[UInt]](repeating: [], count: 4 * Int.bitWidth)
    }
    private let free = Mutex(FreeLists())

    /// A buffer of at least `bytes` bytes with undefined content, to be given back with `release`.
    public func acquire(bytes: Int) -> UnsafeMutableRawPointer {
        let capacity = BufferPool.capacity(for: bytes)
        let index = BufferPool.index(ofCapacity: capacity)
        let reused = free.withLock { $0.buffers[index].popLast() }
        if let reused, let pointer = UnsafeMutableRawPointer(bitPattern: reused) { return pointer }
        let pointer = UnsafeMutableRawPointer.allocate(
            byteCount: capacity + BufferPool.readableMargin, alignment: BufferPool.alignment)
        // The margin is read by full-width loads; defined content keeps memory checkers and denormals out.
        (pointer + capacity).initializeMemory(as: UInt8.self, repeating: 0, count: BufferPool.readableMargin)
        return pointer
    }

    /// Gives back what `acquire(bytes:)` returned for the same number of bytes.
    public func release(_ pointer: UnsafeMutableRawPointer, bytes: Int) {
        let index = BufferPool.index(ofCapacity: BufferPool.capacity(for: bytes))
        free.withLock { $0.buffers[index].append(UInt(bitPattern: pointer)) }
    }

    /// Returns all unused buffers to the system.
    public func trim() {
        free.withLock { lists in
            for index in lists.buffers.indices {
                for address in lists.buffers[index] { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
                lists.buffers[index] = []
            }
        }
    }

    /// Sizes are rounded up to four steps per power of two, so that nearly equal requests share buffers.
    static func capacity(for bytes: Int) -> Int {
        let needed = max(bytes, 256)
        let exponent = Int.bitWidth - 1 - (needed - 1).leadingZeroBitCount
        let step = max(64, 1 << (exponent - 2))
        return (needed + step - 1) / step * step
    }

    /// A number for each capacity, below 4 times the bits of an integer.
    private static func index(ofCapacity capacity: Int) -> Int {
        let exponent = Int.bitWidth - 1 - (capacity - 1).leadingZeroBitCount
        let step = max(64, 1 << (exponent - 2))
        return 4 * exponent + (capacity - (1 << exponent)) / step - 1
    }
}

/// An owned, fixed-length, 64-byte aligned array of trivial scalars from the `BufferPool`.
public final class Buffer<Scalar: BitwiseCopyable> {
    public let pointer: UnsafeMutablePointer<Scalar>
    public let count: Int

    /// A buffer of `count` scalars, all `value`.
    public init(repeating value: Scalar, count: Int) {
        self.count = count
        let bytes = count * MemoryLayout<Scalar>.stride
        let raw = BufferPool.shared.acquire(bytes: bytes)
        // A generic fill calls a function for each element, which takes seconds for the memory of a large program.
        let isZero = withUnsafeBytes(of: value) { $0.allSatisfy { $0 == 0 } }
        if isZero { raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
        pointer = raw.bindMemory(to: Scalar.self, capacity: count)
        if !isZero { pointer.update(repeating: value, count: count) }
    }

    deinit { BufferPool.shared.release(UnsafeMutableRawPointer(pointer), bytes: count * MemoryLayout<Scalar>.stride) }

    public var span: UnsafeMutableBufferPointer<Scalar> { UnsafeMutableBufferPointer(start: pointer, count: count) }

    public subscript(index: Int) -> Scalar {
        get {
            precondition(index >= 0 && index < count, "index \(index) of a buffer of \(count)")
            return pointer[index]
        }
        set {
            precondition(index >= 0 && index < count, "index \(index) of a buffer of \(count)")
            pointer[index] = newValue
        }
    }
}
