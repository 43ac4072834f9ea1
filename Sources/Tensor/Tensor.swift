import Kernels

/// An array of float32 or float64 with value semantics, 64-byte aligned, last axis fastest.
///
/// Tensors carry data into and out of programs, files and tests; within a program (`Autodiff`) memory is planned
/// and no tensors are made.
public struct Tensor<Scalar: KernelScalar> {
    public let shape: Shape
    private var storage: Buffer<Scalar>

    /// A tensor with every element equal to `value`.
    public init(_ shape: Shape, repeating value: Scalar = 0) {
        self.shape = shape
        storage = Buffer(repeating: value, count: shape.count)
    }

    /// - Precondition: `values.count == shape.count`.
    public init(_ shape: Shape, _ values: [Scalar]) {
        precondition(values.count == shape.count, "\(values.count) values for shape \(shape)")
        self.init(shape)
        for (index, value) in values.enumerated() { storage.pointer[index] = value }
    }

    /// Normal random numbers of mean 0 and the given standard deviation; element i depends on the seed, the stream
    /// and i alone.
    public init(_ shape: Shape, normal deviation: Scalar, seed: UInt64, stream: UInt64 = 0) {
        self.init(shape)
        var generator = Philox(seed: seed, stream: stream)
        for index in 0..<shape.count { storage.pointer[index] = deviation * Scalar(generator.nextNormal()) }
    }

    public var count: Int { shape.count }

    public var scalars: [Scalar] { Array(storage.span) }

    public subscript(index: Int) -> Scalar {
        get { storage[index] }
        set {
            makeUnique()
            storage[index] = newValue
        }
    }

    /// Reads the elements in place.
    public func withUnsafePointer<Result>(_ body: (UnsafePointer<Scalar>) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(storage) { try body(UnsafePointer(storage.pointer)) }
    }

    /// Changes the elements in place (after a copy if the storage is shared).
    public mutating func withUnsafeMutablePointer<Result>(
        _ body: (UnsafeMutablePointer<Scalar>) throws -> Result
    ) rethrows -> Result {
        makeUnique()
        return try withExtendedLifetime(storage) { try body(storage.pointer) }
    }

    private mutating func makeUnique() {
        guard !isKnownUniquelyReferenced(&storage) else { return }
        let copy = Buffer<Scalar>(repeating: 0, count: count)
        copy.pointer.update(from: storage.pointer, count: count)
        storage = copy
    }
}
