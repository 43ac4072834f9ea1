import Trajectory
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Autocorrelation, spectrum and displacement of one trajectory.
struct MotionCurves {
    let correlation: (x: [Double], y: [Double])
    let spectrum: (x: [Double], y: [Double])
    let displacement: (x: [Double], y: [Double])
    /// The frequency of the highest peak, THz.
    let peak: Double
    /// The longest lag, ps.
    var lag: Double { correlation.x.last ?? 0 }

    /// Below this a spectrum says nothing.
    private static let fewestFrames = 16
    /// The longest lag, ps: vibrations of solids have lost their memory by then.
    static let longestLag = 1.0

    /// `nil` where frames are few or unevenly spaced, or there are no velocities.
    ///
    /// - Parameter longestLag: ps; sets the resolution of the spectrum, so what is compared wants the same one.
    init?(_ trajectory: PlottedTrajectory, longestLag: Double = Self.longestLag) {
        guard trajectory.hasVelocities, let interval = trajectory.interval,
              trajectory.velocities.count >= Self.fewestFrames else { return nil }
        let frames = trajectory.velocities.count
        let lag = min(frames / 2, max(8, Int((longestLag / interval).rounded())), 1000)
        let values = AtomicMotion.velocityAutocorrelation(trajectory.velocities, maximumLag: lag)
        correlation = (values.indices.map { Double($0) * interval }, values)
        let transformed = AtomicMotion.spectrum(values, interval: interval, points: 400)
        // Up to a little above the highest frequency at which there is motion.
        let highest = transformed.values.max() ?? 0
        let end = transformed.values.lastIndex { $0 > 0.01 * highest } ?? 0
        let shown = min(transformed.values.count, max(2, end + end / 4 + 1))
        spectrum = (Array(transformed.frequencies[..<shown]), Array(transformed.values[..<shown]))
        peak = transformed.frequencies[transformed.values.indices.max { transformed.values[$0] < transformed.values[$1] } ?? 0]
        let unwrapped = AtomicMotion.unwrapped(trajectory.positions, edges: trajectory.edges,
                                               isPeriodic: trajectory.isPeriodic)
        let start = trajectory.times[0]
        displacement = (trajectory.times.map { $0 - start }, AtomicMotion.meanSquareDisplacement(unwrapped))
    }
}

/// The C library's `cbrt`.
func cubeRoot(_ value: Double) -> Double { cbrt(value) }
