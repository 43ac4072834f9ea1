import MPI

/// What a cell's channels are made of.
///
/// `accumulate` is a requirement so that each type brings a loop compiled for it; generic code calls it once a run
/// of cells.
public protocol GridScalar: MPIDatatype, Numeric {
    /// Adds `count` values at `source` to those at `target`.
    static func accumulate(_ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, count: Int)
}

extension Float: GridScalar {
    public static func accumulate(_ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, count: Int) {
        let source = source.assumingMemoryBound(to: Float.self)
        let target = target.assumingMemoryBound(to: Float.self)
        for index in 0..<count { target[index] += source[index] }
    }
}

extension Double: GridScalar {
    public static func accumulate(_ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, count: Int) {
        let source = source.assumingMemoryBound(to: Double.self)
        let target = target.assumingMemoryBound(to: Double.self)
        for index in 0..<count { target[index] += source[index] }
    }
}

extension Int32: GridScalar {
    /// Wraps around on overflow.
    public static func accumulate(_ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, count: Int) {
        let source = source.assumingMemoryBound(to: Int32.self)
        let target = target.assumingMemoryBound(to: Int32.self)
        for index in 0..<count { target[index] &+= source[index] }
    }
}

extension UInt8: GridScalar {
    /// Wraps around on overflow.
    public static func accumulate(_ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, count: Int) {
        let source = source.assumingMemoryBound(to: UInt8.self)
        let target = target.assumingMemoryBound(to: UInt8.self)
        for index in 0..<count { target[index] &+= source[index] }
    }
}
