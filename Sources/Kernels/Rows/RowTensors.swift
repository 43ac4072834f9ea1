// Tensor products of rows, and what they are contracted to: the derivatives of sum over m and c of a[m] b[c] y[m, c] by y, b
// and a. Short rows, so that vectors are of 16 bytes; numbers of a row do not depend on how many rows there are.

/// out[r, m, c] = a[r, m] b[r, c].
///
/// - Parameters:
///   - out: [rows, M, C]
///   - a: [rows, M]
///   - b: [rows, C]
@specialized(where T == Float)
@specialized(where T == Double)
public func multiplyTensors<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, rows: Int, first: Int, second: Int
) {
    let lanes = T.QuarterVector.scalarCount
    for row in 0..<rows {
        let (left, right) = (a + row * first, b + row * second)
        for m in 0..<first {
            let target = out + (row * first + m) * second
            let factor = T.QuarterVector(repeating: left[m])
            var c = 0
            while c + lanes <= second {
                storeQuarter(factor * loadQuarter(right + c), to: target + c)
                c += lanes
            }
            while c < second {
                target[c] = left[m] * right[c]
                c += 1
            }
        }
    }
}

/// out[r, c] = sum over m of a[r, m] y[r, m, c], in the order of m.
///
/// - Parameters:
///   - out: [rows, C]
///   - y: [rows, M, C]
///   - a: [rows, M]
@specialized(where T == Float)
@specialized(where T == Double)
public func contractFirst<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ y: UnsafePointer<T>, _ a: UnsafePointer<T>, rows: Int, first: Int, second: Int
) {
    let lanes = T.QuarterVector.scalarCount
    for row in 0..<rows {
        let (tensor, left, target) = (y + row * first * second, a + row * first, out + row * second)
        var c = 0
        while c + lanes <= second {
            var sum = T.QuarterVector.zero
            for m in 0..<first {
                sum = sum.addingProduct(T.QuarterVector(repeating: left[m]), loadQuarter(tensor + m * second + c))
            }
            storeQuarter(sum, to: target + c)
            c += lanes
        }
        while c < second {
            var sum: T = 0
            for m in 0..<first { sum.addProduct(left[m], tensor[m * second + c]) }
            target[c] = sum
            c += 1
        }
    }
}

/// out[r, m] = sum over c of y[r, m, c] b[r, c].
///
/// - Parameters:
///   - out: [rows, M]
///   - y: [rows, M, C]
///   - b: [rows, C]
@specialized(where T == Float)
@specialized(where T == Double)
public func contractSecond<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ y: UnsafePointer<T>, _ b: UnsafePointer<T>, rows: Int, first: Int, second: Int
) {
    let lanes = T.QuarterVector.scalarCount
    for row in 0..<rows {
        let right = b + row * second
        for m in 0..<first {
            let tensor = y + (row * first + m) * second
            var sums = T.QuarterVector.zero
            var c = 0
            while c + lanes <= second {
                sums = sums.addingProduct(loadQuarter(tensor + c), loadQuarter(right + c))
                c += lanes
            }
            var sum: T = 0
            for lane in 0..<lanes { sum += sums[lane] }
            while c < second {
                sum.addProduct(tensor[c], right[c])
                c += 1
            }
            out[row * first + m] = sum
        }
    }
}

@inline(__always)
private func loadQuarter<T: KernelScalar>(_ pointer: UnsafePointer<T>) -> T.QuarterVector {
    UnsafeRawPointer(pointer).loadUnaligned(as: T.QuarterVector.self)
}

@inline(__always)
private func storeQuarter<T: KernelScalar>(_ vector: T.QuarterVector, to pointer: UnsafeMutablePointer<T>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: T.QuarterVector.self)
}
