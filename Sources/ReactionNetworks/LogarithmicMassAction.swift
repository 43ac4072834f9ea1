import Foundation
import ODE

/// The same differential equations for the logarithms y_i = ln n_i of densities: dy_i/dt = (dn_i/dt) / n_i (001, appendix C).
/// Densities stay positive, at the price of conservation, which holds as far as the tolerance goes.
public final class LogarithmicMassAction: StiffSystem {
    public let densities: MassAction
    private let n, change: UnsafeMutablePointer<Double>

    public init(_ densities: MassAction) {
        self.densities = densities
        (n, change) = (.allocate(capacity: densities.count), .allocate(capacity: densities.count))
    }

    deinit {
        n.deallocate()
        change.deallocate()
    }

    public var count: Int { densities.count }
    public var pattern: JacobianPattern { densities.pattern }

    public func differentiate(
        at time: Double, _ y: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
    ) {
        for species in 0..<count { n[species] = exp(y[species]) }
        densities.differentiate(at: time, n, into: derivative)
        for species in 0..<count { derivative[species] /= n[species] }
    }

    public func linearize(
        at time: Double, _ y: UnsafePointer<Double>, into entries: UnsafeMutablePointer<Double>
    ) {
        for species in 0..<count { n[species] = exp(y[species]) }
        densities.differentiate(at: time, n, into: change)
        densities.linearize(at: time, n, into: entries)
        let pattern = densities.pattern
        for column in 0..<count {
            for entry in pattern.starts[column]..<pattern.starts[column + 1] {
                let row = pattern.rows[entry]
                entries[entry] *= n[column] / n[row]
                if row == column { entries[entry] -= change[row] / n[row] }
            }
        }
    }
}
