#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How atoms move in time: mean-square displacement, velocity autocorrelation and its spectrum.
public enum AtomicMotion {
    /// The positions of each frame continued over periodic boundaries from the frame before.
    ///
    /// - Parameters:
    ///   - frames: positions of each frame, [atom, 3], Å; no atom moves by half an edge between two frames.
    ///   - edges: box lengths of each frame, Å.
    ///   - isPeriodic: for x, y, z.
    public static func unwrapped(_ frames: [[Double]], edges: [[Double]], isPeriodic: [Bool]) -> [[Double]] {
        guard var previous = frames.first else { return [] }
        var result = [previous]
        for frame in 1..<max(1, frames.count) {
            for index in previous.indices {
                var step = frames[frame][index] - frames[frame - 1][index]
                let edge = edges[frame][index % 3]
                if isPeriodic[index % 3], edge > 0 { step -= edge * (step / edge).rounded() }
                previous[index] += step
            }
            result.append(previous)
        }
        return result
    }

    /// The mean over atoms of |r(t) - r(0)|², Å², of each frame, the drift of the mean position removed.
    ///
    /// - Parameter frames: unwrapped positions, [atom, 3], Å.
    public static func meanSquareDisplacement(_ frames: [[Double]]) -> [Double] {
        guard let first = frames.first, !first.isEmpty else { return frames.map { _ in 0 } }
        let atoms = Double(first.count / 3)
        return frames.map { frame in
            var squares = 0.0
            var drift = [0.0, 0.0, 0.0]
            for index in frame.indices {
                let displacement = frame[index] - first[index]
                squares += displacement * displacement
                drift[index % 3] += displacement
            }
            let mean = drift.reduce(0) { $0 + ($1 / atoms) * ($1 / atoms) }
            return max(0, squares / atoms - mean)
        }
    }

    /// C(k) = <v(t) · v(t + k)> / <v · v>, averaged over atoms and all origins t; C(0) = 1.
    ///
    /// - Parameters:
    ///   - frames: velocities, [atom, 3], at equal intervals.
    ///   - maximumLag: the largest k; less than the number of frames.
    public static func velocityAutocorrelation(_ frames: [[Double]], maximumLag: Int) -> [Double] {
        guard !frames.isEmpty else { return [] }
        precondition(maximumLag >= 0 && maximumLag < frames.count, "a lag within the frames")
        var correlation: [Double] = []
        for lag in 0...maximumLag {
            var sum = 0.0
            for origin in 0..<(frames.count - lag) {
                sum += frames[origin].withUnsafeBufferPointer { a in
                    frames[origin + lag].withUnsafeBufferPointer { b in dot(a, b) }
                }
            }
            correlation.append(sum / Double(frames.count - lag))
        }
        let norm = correlation[0]
        return norm > 0 ? correlation.map { $0 / norm } : correlation
    }

    /// The vibrational spectrum: the cosine transform of the velocity autocorrelation under a Hann window.
    ///
    ///     S(f) = Δt [C(0) + 2 Σ_k w(k) C(k) cos(2π f k Δt)],   w(k) = (1 + cos(π k / (K + 1))) / 2
    ///
    /// - Parameters:
    ///   - correlation: C(k), k = 0 ... K.
    ///   - interval: time Δt between two frames, ps.
    ///   - points: how many frequencies between 0 and the Nyquist frequency, both included; at least 2.
    /// - Returns: frequencies in THz, and S in ps.
    public static func spectrum(_ correlation: [Double], interval: Double, points: Int)
        -> (frequencies: [Double], values: [Double]) {
        precondition(interval > 0 && points >= 2, "a positive interval and at least two points")
        let nyquist = 0.5 / interval
        let frequencies = (0..<points).map { nyquist * Double($0) / Double(points - 1) }
        let window = correlation.indices.map { k in
            (1 + cos(.pi * Double(k) / Double(correlation.count))) / 2
        }
        let values = frequencies.map { frequency in
            var sum = correlation.first ?? 0
            for k in 1..<max(1, correlation.count) {
                sum += 2 * window[k] * correlation[k] * cos(2 * .pi * frequency * Double(k) * interval)
            }
            return interval * sum
        }
        return (frequencies, values)
    }

    /// How much two spectra of the same frequencies differ: 0 where they are equal, 1 where one has nothing of the other.
    ///
    ///     1/2 ∫ |S - S'| df,   each with an area of one
    public static func difference(ofSpectra one: [Double], _ other: [Double]) -> Double {
        precondition(one.count == other.count, "the same frequencies")
        let areas = (one.reduce(0, +), other.reduce(0, +))
        return zip(one, other).reduce(0) { $0 + abs($1.0 / areas.0 - $1.1 / areas.1) } / 2
    }

    private static func dot(_ a: UnsafeBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>) -> Double {
        // Four sums, so that additions do not wait for each other.
        var sums = SIMD4<Double>.zero
        let whole = a.count & ~3
        var index = 0
        while index < whole {
            let left = SIMD4<Double>(a[index], a[index + 1], a[index + 2], a[index + 3])
            let right = SIMD4<Double>(b[index], b[index + 1], b[index + 2], b[index + 3])
            sums += left * right
            index += 4
        }
        var sum = sums.sum()
        while index < a.count {
            sum += a[index] * b[index]
            index += 1
        }
        return sum
    }
}
