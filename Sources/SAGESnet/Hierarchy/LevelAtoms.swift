import Grid
import MPI
import Tensor
import Training
import Trajectory

/// The atoms of a rank's part of a level, decoded at one of the steps of level 0 that the state covers.
struct LevelAtoms<Scalar: TrainingScalar & GridScalar> {
    let simulator: LevelSimulator<Scalar>
    let blocks: AtomBlocks
    private let residents: [(atom: Int, place: Int)]

    init(_ simulator: LevelSimulator<Scalar>, _ blocks: AtomBlocks) {
        self.simulator = simulator
        self.blocks = blocks
        residents = blocks.residents(simulator.box)
    }

    var count: Int { residents.count }

    /// Calls `body` with each atom's row in the run, offset from its cell's center (Angstrom) and velocity (Angstrom/ps).
    ///
    /// - Parameter step: of the state's steps of level 0, from 0; the state was decoded.
    func forEach(step: Int, _ body: (_ atom: Int, _ offset: SIMD3<Double>, _ velocity: SIMD3<Double>) -> Void) {
        let configuration = simulator.model.configuration
        let normalization = simulator.model.normalization
        let (block, within) = step.quotientAndRemainder(dividingBy: configuration.steps)
        let numbers = simulator.decoded(block) + within * configuration.slots * 6
        for (atom, place) in residents {
            let values = numbers + place
            body(
                atom,
                normalization.offset * SIMD3(Double(values[0]), Double(values[1]), Double(values[2])),
                normalization.velocity * SIMD3(Double(values[3]), Double(values[4]), Double(values[5])))
        }
    }

    /// All ranks' atoms. Collective.
    func gathered(step: Int, _ communicator: Communicator) throws -> GatheredAtoms {
        var records: [Double] = []
        records.reserveCapacity(GatheredAtoms.width * residents.count)
        let run = blocks.run
        forEach(step: step) { atom, offset, velocity in
            let position = blocks.center(atom) + offset
            records += [Double(run.ids[atom]), run.masses[atom]]
            for axis in 0..<3 { records.append(position[axis]) }
            for axis in 0..<3 { records.append(velocity[axis]) }
        }
        return try GatheredAtoms(records, communicator)
    }
}
