import Trajectory

/// How atoms vibrate, from velocities at equal intervals.
struct MotionFigures {
    /// The normalized velocity autocorrelation, for lags from 0 on.
    let correlation: [Double]
    /// Its spectrum (`AtomicMotion.spectrum`) at `points` frequencies up to the Nyquist frequency.
    let spectrum: [Double]
    /// THz
    let frequencies: [Double]

    /// Enough for the resolution of the longest lag.
    static let points = 401

    /// - Parameters:
    ///   - velocities: [N, 3] each, Angstrom/ps.
    ///   - lag: the longest, in frames; at least 1 and less than the number of frames.
    ///   - interval: between frames, ps.
    init(_ velocities: [[Double]], lag: Int, interval: Double) {
        correlation = AtomicMotion.velocityAutocorrelation(velocities, maximumLag: lag)
        (frequencies, spectrum) = AtomicMotion.spectrum(correlation, interval: interval, points: MotionFigures.points)
    }

    /// The frequency of the spectrum's highest peak, THz.
    var peak: Double { frequencies[spectrum.indices.max { spectrum[$0] < spectrum[$1] } ?? 0] }

    /// The largest absolute difference of the autocorrelations.
    func correlationDifference(from other: MotionFigures) -> Double {
        zip(correlation, other.correlation).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    func spectralDifference(from other: MotionFigures) -> Double {
        AtomicMotion.difference(ofSpectra: spectrum, other.spectrum)
    }
}
