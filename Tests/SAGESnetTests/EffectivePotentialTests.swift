import MPI
import SAGESnetTestSupport
import Tensor
import Testing
import Trajectory
@testable import SAGESnet
@testable import Training

/// Energies, forces and stresses of slow motion, against finite differences in double precision.
@Suite(.serialized) struct EffectivePotentialTests {
    /// A model that has learned the harmonic crystal for a moment, and a frame of it.
    private func trained(_ members: String = BondTests.membersWithTorsion) throws -> (SAGESnetModel, Buffer<Double>, SimulationStart) {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal")
        let task = try SAGESnetTask<Double>(try modelConfiguration(members), training: [path], validation: [])
        let (_, _, trainer) = try train(task, steps: 60, microBatch: 2)
        let weights = Buffer<Double>(repeating: 0, count: task.layout.count)
        for (index, weight) in trainer.parameters.enumerated() { weights.pointer[index] = weight }
        let start = try SimulationStart(path, frame: 2, for: task.model, communicator: .selfOnly)
        return (task.model, weights, start)
    }

    @Test func derivativesAgreeWithDifferences() throws {
        let (model, weights, start) = try trained()
        let potential = try EffectivePotential(model, parameters: weights, start: start)
        let state = try potential.state()
        let step = 1e-5
        // Translation costs nothing.
        for axis in 0..<3 {
            let sum = stride(from: axis, to: state.forces.count, by: 3).reduce(0.0) { $0 + state.forces[$1] }
            #expect(abs(sum) < 1e-9 * (state.forces.map(abs).max() ?? 0))
        }
        for component in [0, 7, 50, 95] {
            func energy(_ sign: Double) throws -> Double {
                var moved = [Double](repeating: 0, count: state.forces.count)
                moved[component] = sign * step
                return try potential.state(displacements: moved).energy
            }
            let difference = try (energy(-1) - energy(1)) / (2 * step)
            #expect(abs(state.forces[component] - difference) < 1e-6 * (state.forces.map(abs).max() ?? 0))
        }
        let virial = try potential.virial()
        let scale = virial.flatMap { [abs($0.x), abs($0.y), abs($0.z)] }.max() ?? 0
        #expect(scale > 0)
        for row in 0..<3 {
            for column in 0..<3 {
                func energy(_ sign: Double) throws -> Double {
                    var deformation = EffectivePotential.identity
                    deformation[row][column] += sign * step
                    return try potential.state(deformation: deformation).energy
                }
                let difference = try (energy(1) - energy(-1)) / (2 * step)
                // A rotation costs nothing.
                #expect(abs(virial[row][column] - difference) < 1e-6 * scale)
            }
        }
    }

    /// The loss of a virial is nothing where the data have the potential's own, however samples are turned and strained; and it is
    /// the square of what is missing, on average over the strains.
    @Test func lossOfVirials() throws {
        let (model, weights, start) = try trained()
        let virial = try EffectivePotential(model, parameters: weights, start: start).virial()
        let scratch = try Scratch()
        func losses(plus extra: Double) throws -> [Double] {
            let path = try scratch.lattice("labelled") { $0.virial = Voigt.components(virial).map { -$0 - extra } }
            let members = BondTests.membersWithTorsion + ", virialWeight: 2"
            let task = try SAGESnetTask<Double>(try modelConfiguration(members), training: [path], validation: [])
            return try (0..<32).map { epoch in
                let found = try task.lossAndGradient(weights, samples: [2], epoch: epoch)
                let place = try #require(found.program.figureNames.firstIndex(of: "virial"))
                return found.program.figure(place + 1)
            }
        }
        let scale = virial.flatMap { [abs($0.x), abs($0.y), abs($0.z)] }.max() ?? 0
        let atoms = Double(start.atoms.count)
        let none = try losses(plus: 0).max() ?? 1
        #expect(none.squareRoot() < 1e-3 * scale / atoms, "\(none.squareRoot() / (scale / atoms))")
        // A strain of norm 1 has a mean square of 1/6 along each of the six, of which the shears count twice.
        let mean = try losses(plus: scale).reduce(0, +) / 32
        #expect(abs(mean / (scale * scale / (atoms * atoms)) - 1.5) < 0.9)
    }

    /// What a step adds to slow velocities over its time is the force over the mass.
    @Test func forcesAreThoseOfTheStep() throws {
        let (model, weights, start) = try trained()
        var slow = start
        slow.atoms = start.atoms.map { atom in
            var atom = atom
            atom.velocity = .zero
            return atom
        }
        let potential = try EffectivePotential(model, parameters: weights, start: slow)
        let state = try potential.state()
        let simulator = try Simulator<Double>(
            model: model, parameters: weights, start: slow, communicator: .selfOnly)
        guard case .kicks(let outer, let middle) = try simulator.arrangedNetwork().step else {
            Issue.record("not a model of kicks")
            return
        }
        // All three kicks where the atoms are.
        for index in 0..<state.forces.count { middle.places[index] = outer.places[index] }
        try outer.program.run()
        try middle.program.run()
        let mass = slow.atoms[0].mass * PhysicalConstants.kineticEnergyUnit / model.partTime
        let scale = state.forces.map(abs).max() ?? 0
        for index in 0..<state.forces.count {
            #expect(abs(state.forces[index] - mass * (2 * outer.kick[index] + middle.kick[index])) < 1e-9 * scale)
        }
    }

    /// The stiffness is the second derivative of the energy of relaxed crystals, and symmetric as far as stress allows.
    @Test func stiffnessIsACurvature() throws {
        let (model, weights, start) = try trained()
        let figures = try ElasticEvaluation(model, parameters: weights, start: start)
        #expect(figures.unit == "GPa" && figures.atomCount == start.atomCount)
        let largest = figures.stiffness.joined().map(abs).max() ?? 0
        let residual = figures.stress.map(abs).max() ?? 0
        for row in 0..<6 {
            for column in 0..<row {
                #expect(
                    abs(figures.stiffness[row][column] - figures.stiffness[column][row]) < 0.01 * largest + 2 * residual)
            }
        }
        // The area across a strain along x stays: dE/de = V stress, and the second derivative V C.
        let (potential, rest) = try Relaxation.rest(model, parameters: weights, start: start)
        #expect((rest.state.forces.map(abs).max() ?? 1) < Relaxation.tolerance)
        let strain = 1e-3
        let energies = try [-strain, 0, strain].map { strain -> Double in
            var deformation = EffectivePotential.identity
            deformation[0][0] += strain
            return try Relaxation(potential, deformation: deformation, from: rest.displacements).state.energy
        }
        let scale = StressScale(start)
        let curvature = (energies[0] + energies[2] - 2 * energies[1]) / (strain * strain) * scale.factor / scale.volume
        #expect(abs(curvature - figures.stiffness[0][0]) < 0.01 * largest)
    }

    @Test func otherPredictorsAreRefused() throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal")
        let task = try SAGESnetTask<Double>(try modelConfiguration("cell: 1, channels: 8"), training: [path], validation: [])
        let start = try SimulationStart(path, for: task.model, communicator: .selfOnly)
        #expect(throws: SAGESnetError.self) {
            try ElasticEvaluation(task.model, parameters: task.someWeights(), start: start)
        }
    }
}
