import Autodiff
import Kernels
import NeuralNetworks

/// Energies of atoms from their pairs, bonds and angles: the kernel of a convolution over occupied cells, conditioned on
/// where in their cells the atoms are.
///
/// All distances fade out smoothly at the cutoffs, so that an atom may cross the face of a cell, or a pair the cutoff,
/// without a jump of the energy or the force; only differences of positions enter, so that kicks conserve momentum.
///
/// Notation: r distance of a pair, B_n(r) its Bessel functions, e(r) the envelope 6 (1 - r^2 / c^2)^3, cos the cosine of an
/// angle, T_n the Chebyshev polynomials, and the functions with knots behind them.
///
///     angle (j, i, k):  a = silu(W B(r_ik) + V B(r_ij) + U T(cos) + b) e(r_ik), summed over k into the bond (i, j)
///     bond (i, j):      network(sum of angles at i, sum of angles at j, B(r_ij)) e(r_ij), summed over j into the atom i;
///                       where there are torsions (`TorsionNetwork`), they are added to the sum of angles at i
///     pair (i, j):      B(r_ij) e(r_ij), summed over j, then a matrix
///     atom i:           network(bonds, pairs) -> one energy for the outer kicks and one for the middle
struct BondNetwork: Sendable {
    let configuration: BondConfiguration
    let elements: Int
    let activation: Activation
    /// Of the bond k of an angle, and of the bond j; side by side. [functions, 2 channels]
    let angleLengths: Dense
    let angleCosine: Dense
    let torsion: TorsionNetwork?
    let bondLayers: Perceptron
    let pairMixing: Dense
    let environment: EnvironmentLayer?
    let atomLayers: Perceptron

    init(_ name: String, _ configuration: SAGESnetConfiguration, in layout: inout ParameterLayout) {
        guard let bonds = configuration.bonds else { preconditionFailure("the predictor has no bonds") }
        self.configuration = bonds
        elements = configuration.elements.count
        activation = configuration.activation
        // Of which elements the two atoms are, where there is more than one.
        let kinds = elements > 1 ? 2 * elements : 0
        angleLengths = Dense(
            "\(name)/angle/lengths", inputs: bonds.bondFunctions + kinds, outputs: 2 * bonds.angleChannels, in: &layout)
        angleCosine = Dense(
            "\(name)/angle/cosine", inputs: bonds.angleFunctions + bonds.angleKnots.count, outputs: bonds.angleChannels, bias: false, in: &layout)
        torsion = bonds.torsionChannels == 0
            ? nil
            : TorsionNetwork(
                "\(name)/torsion", channels: bonds.torsionChannels, features: bonds.bondFunctions + kinds,
                outputs: bonds.angleChannels, in: &layout)
        bondLayers = Perceptron(
            "\(name)/bond", widths: [2 * bonds.angleChannels + bonds.bondFunctions + kinds, bonds.bondWidth, bonds.bondChannels],
            activation: configuration.activation, in: &layout)
        pairMixing = Dense(
            "\(name)/pair", inputs: bonds.pairFunctions * elements, outputs: bonds.pairChannels, bias: false, in: &layout)
        let width = bonds.bondChannels + bonds.pairChannels
        environment = configuration.environment.isEmpty
            ? nil
            : EnvironmentLayer("\(name)/environment", variables: configuration.environment.count, channels: width, in: &layout)
        atomLayers = Perceptron(
            "\(name)/atom", widths: [width, bonds.atomWidth, 2], activation: configuration.activation, lastGain: 0.3,
            in: &layout)
    }

    /// The energies of each atom, for the outer and the middle kicks. [atoms, 2]
    func callAsFunction<Scalar>(
        _ place: Variable<Scalar>, shift: Variable<Scalar>, occupancy: Variable<Scalar>,
        environment variables: Variable<Scalar>?, _ topology: BondTopology
    ) -> Variable<Scalar> {
        atomLayers(codes(place, shift: shift, occupancy: occupancy, environment: variables, topology))
    }

    /// What each atom knows of its bonds and pairs, and of the environment. [atoms, C]
    ///
    /// - Parameters:
    ///   - place: from the centers of the atoms' cells, Angstrom. [atoms, x y z]
    ///   - shift: between the centers of cells in each direction, Angstrom. [directions, x y z]
    func codes<Scalar>(
        _ place: Variable<Scalar>, shift: Variable<Scalar>, occupancy: Variable<Scalar>,
        environment variables: Variable<Scalar>?, _ topology: BondTopology
    ) -> Variable<Scalar> {
        let seen = place.summedOverPairs(
            topology.pairs, shifts: shift, occupancy: elements > 1 ? occupancy : nil,
            PairBasis(count: configuration.pairFunctions, cutoff: configuration.cutoff, amplitude: 6))
        let pairs = pairMixing(seen)

        let (direction, length, weight) = bonds(place, shift: shift, topology)
        var features = length.expanded(in: .bessel(count: configuration.bondFunctions, cutoff: configuration.bondCutoff))
        if elements > 1 {
            let here = occupancy.expanded(by: topology.centerOfBond)
            features = .concatenating([features, here, here.ofPartners(topology.bondPartners)])
        }
        let sides = angleLengths(features).summedOverAngles(
            topology.angles, directions: direction, weights: weight,
            cosines: place.tape.parameter(angleCosine.weights), knots: configuration.angleKnots, activation)

        let turned = torsion.map {
            sides + $0(direction: direction, features: features, weight: weight, topology)
        } ?? sides
        let bonds = bondLayers(.concatenating([turned, sides.ofPartners(topology.bondPartners), features]))
            .applying(activation)
            .scaledByColumn(weight)
            .collected(by: topology.centerOfBond)
        let atom = Variable.concatenating([bonds, pairs])
        guard let environment, let variables else { return atom }
        return environment(atom, variables)
    }

    /// The directions of bonds, [bonds, x y z], their lengths, Angstrom, and how much they count, [bonds, 1] each.
    func bonds<Scalar>(
        _ place: Variable<Scalar>, shift: Variable<Scalar>, _ topology: BondTopology
    ) -> (direction: Variable<Scalar>, length: Variable<Scalar>, weight: Variable<Scalar>) {
        let own = place.expanded(by: topology.centerOfBond)
        let difference = own.ofPartners(topology.bondPartners) - own + shift.expanded(by: topology.directionOfBond)
        let square = difference.rowDot(difference)
        let inverse = square.applying(.inverseSquareRoot)
        let length = square * inverse
        return (
            difference.scaledByColumn(inverse), length,
            6 * length.expanded(in: .envelope(cutoff: configuration.bondCutoff))
        )
    }
}
