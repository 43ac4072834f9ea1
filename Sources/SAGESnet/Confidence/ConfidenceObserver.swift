import Grid
import Tensor
import Training

/// Watches a simulation: what a network of confidence expects of its next step, atom by atom.
public final class ConfidenceObserver<Scalar: TrainingScalar & GridScalar> {
    private let simulator: Simulator<Scalar>
    private let surroundings: Surroundings<Scalar>
    private let prediction: ConfidencePrediction<Float>
    private let calibration: Calibration

    /// - Parameter confidence: of the simulator's model.
    public init(_ confidence: TrainedConfidence, _ simulator: Simulator<Scalar>) {
        self.simulator = simulator
        surroundings = Surroundings(simulator)
        prediction = ConfidencePrediction(confidence.model, weights: UnsafePointer(confidence.parameters.pointer))
        calibration = confidence.calibration
    }

    /// Of each of this rank's atoms in the order of `localAtoms`: the expected error of the next step, in units of what a
    /// ballistic step misses, and the upper end of its band at 95 %. The same bits on any number of ranks. Collective.
    func errors() throws -> (expected: [Double], upper: [Double]) {
        let (features, rows) = try surroundings.compute()
        let found = try prediction.predict(features, rows: rows)
        let slots = Int32(simulator.model.configuration.slots)
        let ofAtoms = (0..<simulator.localAtoms.count).map { found[Int(simulator.atoms.arrays.entries[$0] / slots)] }
        return (
            ofAtoms.map(\.error), ofAtoms.map { $0.upperError(calibration, level: Calibration.levels.count - 1) }
        )
    }
}
