import Autodiff
import Kernels
import NeuralNetworks
import Tensor
import Trajectory

/// Level 0 of SAGESnet: what one step does to the cells of an atomistic grid.
///
/// All predictors give the deviation from ballistic motion. The increment predictor decodes it from the cells after
/// the residual blocks. The energy predictors are symplectic: a step has one or more equal parts of duration T, each kick,
/// drift T/2, kick, drift T/2, kick, where each kick is minus the gradient of a learned energy by the atoms' offsets (one
/// energy for the outer kicks, one for the middle). The last kick of a part is the first of the next, and that of a step the
/// first of the next step: two evaluations a part. Their energies are those of cells (`energy`) or of atoms with their pairs,
/// bonds and angles (`bonds`).
public struct SAGESnetModel: Sendable {
    public let configuration: SAGESnetConfiguration
    public let normalization: Normalization
    public let layout: ParameterLayout

    private enum Predictor: Sendable {
        case energy(outer: EnergyNetwork, middle: EnergyNetwork)
        case increment(CellNetwork)
        case bonds(BondNetwork)
    }
    private let predictor: Predictor

    public init(_ configuration: SAGESnetConfiguration, _ normalization: Normalization) {
        self.configuration = configuration
        self.normalization = normalization
        let cells = CellLayout(configuration)
        var layout = ParameterLayout()
        switch configuration.predictor {
        case .energy:
            let inputs = cells.occupancies + cells.vectors
            let form = CellNetwork.Form(configuration)
            let outer = EnergyNetwork("predictor/outer", form, inputs: inputs, in: &layout)
            let middle = EnergyNetwork("predictor/middle", form, inputs: inputs, in: &layout)
            predictor = .energy(outer: outer, middle: middle)
        case .bonds:
            predictor = .bonds(BondNetwork("predictor", configuration, in: &layout))
        case .increment:
            predictor = .increment(
                CellNetwork(
                    "predictor", CellNetwork.Form(configuration), inputs: cells.occupancies + 2 * cells.vectors,
                    decoded: 2 * cells.vectors, in: &layout))
        }
        self.layout = layout
    }

    public var cellLayout: CellLayout {
        CellLayout(configuration)
    }

    /// Equal parts of a step; an increment is one.
    public var parts: Int { configuration.predictor == .increment ? 1 : (configuration.kicks - 1) / 2 }

    /// Of a part of a step, ps.
    public var partTime: Double { normalization.timeStep / Double(parts) }

    /// What a step adds to ballistic motion.
    public struct Deviation<Scalar: KernelScalar> {
        /// Of positions, Angstrom. [R, 3 S]
        public var displacement: Variable<Scalar>
        /// Of velocities, Angstrom/ps. [R, 3 S]
        public var velocityChange: Variable<Scalar>
        /// What the codec misses of offsets and velocities, normalized; nil without a decoder. [R, 6 S]
        public var reconstructionError: Variable<Scalar>?
    }

    /// Records one step of `timeStep` from the given cells.
    public func step<Scalar>(_ cells: CellVariables<Scalar>, _ topology: CellTopology) -> Deviation<Scalar> {
        switch predictor {
        case .energy, .bonds: symplecticStep(cells, topology)
        case .increment(let network): incrementStep(cells, topology, network)
        }
    }

    /// Which of the energies a kick is the gradient of.
    public enum Kick: Sendable {
        /// At the beginning and at the end of a part of a step.
        case outer
        /// In between.
        case middle
    }

    /// Records what a kick adds to velocities where atoms are at `offset` from their cells' centers, Angstrom/ps.
    /// [R, 3 S]
    ///
    /// - Precondition: the predictor is `energy` or `bonds`.
    public func kick<Scalar>(
        _ kick: Kick, of cells: CellVariables<Scalar>, at offset: Variable<Scalar>, _ topology: CellTopology
    ) -> Variable<Scalar> {
        let energy: Variable<Scalar>
        /// In which the network sees offsets, Angstrom.
        let length: Double
        switch (predictor, topology) {
        case (.energy(let outer, let middle), _):
            length = normalization.offset
            let network = kick == .outer ? outer : middle
            energy = network(readable(cells, [Scalar(1 / length) * offset]), cells.environment, topology)
        case (.bonds(let network), .atoms(let bonds)):
            length = 1
            guard let shift = cells.shift else { preconditionFailure("rows of atoms without the shifts of cells") }
            let energies = network(
                offset, shift: shift, occupancy: cells.occupancy, environment: cells.environment, bonds)
            energy = energies[columns: kick == .outer ? 0..<1 : 1..<2]
        default: preconditionFailure("a predictor without kicks, or rows of another")
        }
        let gradient = energy.tape.gradients(of: energy, withRespectTo: [offset])[0]
        return Scalar(-normalization.kick * length / Double(parts)) * gradient * cells.mobility
    }

    /// The vectors that a prediction is read out from: what the network knows of each row's surroundings, and what the
    /// patterns of a trajectory are found in.
    public struct Codes<Scalar: KernelScalar> {
        /// [R, C]
        public var code: Variable<Scalar>
        /// Of a part: twice the energy of the outer kicks and that of the middle one, in the network's unit; nil for
        /// increments. [R, 1]
        public var energy: Variable<Scalar>?
    }

    /// Records the codes of cells (of atoms for `bonds`), behind the last layer before the readout.
    public func codes<Scalar>(_ cells: CellVariables<Scalar>, _ topology: CellTopology) -> Codes<Scalar> {
        let offset = Scalar(1 / normalization.offset) * cells.offset
        switch (predictor, topology) {
        case (.energy(let outer, let middle), _):
            let readable = readable(cells, [offset])
            let code = outer.codes(readable, cells.environment, topology)
            return Codes(
                code: code, energy: 2 * outer.readout(code) + middle(readable, cells.environment, topology))
        case (.increment(let network), _):
            let readable = readable(cells, [offset, Scalar(1 / normalization.velocity) * cells.velocity])
            return Codes(code: network.predict(network.encode(readable, cells.environment), topology))
        case (.bonds(let network), .atoms(let bonds)):
            guard let shift = cells.shift else { preconditionFailure("rows of atoms without the shifts of pairs") }
            let code = network.codes(
                cells.offset, shift: shift, occupancy: cells.occupancy, environment: cells.environment, bonds)
            let energies = network.atomLayers(code)
            return Codes(code: code, energy: 2 * energies[columns: 0..<1] + energies[columns: 1..<2])
        default: preconditionFailure("rows of another predictor")
        }
    }

    /// What one unit of `Codes.energy` is, eV. A step changes momentum by m dv = -grad U dt, where U is this energy: the
    /// potential energy of a row, up to a constant.
    var energyUnit: Double {
        let length = configuration.predictor == .bonds ? 1 : normalization.offset
        let mass = PeriodicTable.weight(of: configuration.elements[0]) ?? 1
        return mass * normalization.kick * length / normalization.timeStep * PhysicalConstants.kineticEnergyUnit
    }

    /// Of the predictor `bonds`; nil for others.
    var bondNetwork: BondNetwork? { if case .bonds(let network) = predictor { network } else { nil } }

    private func symplecticStep<Scalar>(
        _ cells: CellVariables<Scalar>, _ topology: CellTopology
    ) -> Deviation<Scalar> {
        let half = Scalar(0.5 * partTime)
        var (place, velocity) = (cells.offset, cells.velocity)
        var outer = kick(.outer, of: cells, at: place, topology)
        var deviation: Deviation<Scalar>?
        for part in 0..<parts {
            // What is left of the step when the part begins.
            let rest = normalization.timeStep - Double(part) * partTime
            let first = outer
            velocity = velocity + first
            place = place + half * velocity
            let second = kick(.middle, of: cells, at: place, topology)
            velocity = velocity + second
            place = place + half * velocity
            outer = kick(.outer, of: cells, at: place, topology)
            velocity = velocity + outer
            var displacement = Scalar(rest) * first + Scalar(rest - 0.5 * partTime) * second
            if part < parts - 1 { displacement = displacement + Scalar(rest - partTime) * outer }
            let change = first + second + outer
            deviation = Deviation(
                displacement: deviation.map { $0.displacement + displacement } ?? displacement,
                velocityChange: deviation.map { $0.velocityChange + change } ?? change, reconstructionError: nil)
        }
        guard let deviation else { preconditionFailure("a step without parts") }
        return deviation
    }

    private func incrementStep<Scalar>(
        _ cells: CellVariables<Scalar>, _ topology: CellTopology, _ network: CellNetwork
    ) -> Deviation<Scalar> {
        guard let decoder = network.codec.decoder else { preconditionFailure("an increment needs a decoder") }
        let vectors = cellLayout.vectors
        let offset = Scalar(1 / normalization.offset) * cells.offset
        let velocity = Scalar(1 / normalization.velocity) * cells.velocity
        let code = network.encode(readable(cells, [offset, velocity]), cells.environment)
        let start = decoder(code)
        let change = decoder(network.predict(code, topology)) - start
        // Mobility is 0 in empty slots; elsewhere it only rescales what is learned.
        let isPresent = cells.mobility
        let error = (start - Variable.concatenating([offset, velocity]))
            * Variable.concatenating([isPresent, isPresent])
        return Deviation(
            displacement: Scalar(normalization.displacement) * change[columns: 0..<vectors] * isPresent,
            velocityChange: Scalar(normalization.kick) * change[columns: vectors..<(2 * vectors)] * isPresent,
            reconstructionError: error)
    }

    /// Occupancies and the given vectors, side by side.
    private func readable<Scalar>(_ cells: CellVariables<Scalar>, _ vectors: [Variable<Scalar>]) -> Variable<Scalar> {
        Variable.concatenating([cells.occupancy] + vectors)
    }
}

/// Energies of the cells, each the sum of one number for each cell.
struct EnergyNetwork: Sendable {
    let network: CellNetwork
    let readout: Perceptron

    init(
        _ name: String, _ form: CellNetwork.Form, inputs: Int, energies: Int = 1, in layout: inout ParameterLayout
    ) {
        network = CellNetwork(name, form, inputs: inputs, decoded: nil, in: &layout)
        readout = Perceptron(
            "\(name)/readout", widths: [form.channels, form.channels, energies], activation: form.activation, lastGain: 0.1,
            in: &layout)
    }

    /// Each cell's part of the energies. [R, energies]
    func callAsFunction<Scalar>(
        _ readable: Variable<Scalar>, _ environment: Variable<Scalar>?, _ topology: CellTopology
    ) -> Variable<Scalar> {
        readout(codes(readable, environment, topology))
    }

    /// The vectors of the cells behind the blocks. [R, C]
    func codes<Scalar>(
        _ readable: Variable<Scalar>, _ environment: Variable<Scalar>?, _ topology: CellTopology
    ) -> Variable<Scalar> {
        network.predict(network.encode(readable, environment), topology)
    }
}
