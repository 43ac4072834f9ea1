import Autodiff
import Kernels
import NeuralNetworks

/// What a bond knows of the turn of the bonds at its one end against those at its other: four atoms k-i-j-l in a chain.
///
/// With d_k the direction of the bond (i, k), p_k its part across the bond (i, j), and phi the torsion of k and l around it,
/// p_k · p_l = sin(jik) sin(ijl) cos(phi). Sums over all chains factor into moments of the two atoms, so that no list of
/// chains is needed, and a bond costs the same however many there are:
///
///     w_k = (W B(r_ik) + b) e(r_ik)                     [channels]
///     V_i = sum over k of w_k d_k,   Q_i = sum over k of w_k d_k d_k^T
///     sum over k, l of w_k w_l  p_k · p_l     = V_i · V_j - (d · V_i) (d · V_j)
///     sum over k, l of w_k w_l (p_k · p_l)^2  = Q_i : Q_j - 2 (Q_i d) · (Q_j d) + (d · Q_i d) (d · Q_j d)
///
/// where d is the direction of (i, j), whose own terms vanish. The second sum is that of the double bond's torsion in REBO,
/// the first tells cis from trans.
struct TorsionNetwork: Sendable {
    let amplitude: Dense
    /// Silent at first.
    let mixing: Dense

    /// - Parameters:
    ///   - features: columns in which a bond's length is seen.
    ///   - outputs: columns that the result has.
    init(_ name: String, channels: Int, features: Int, outputs: Int, in layout: inout ParameterLayout) {
        amplitude = Dense("\(name)/amplitude", inputs: features, outputs: channels, in: &layout)
        mixing = Dense("\(name)/mixing", inputs: 2 * channels, outputs: outputs, bias: false, gain: 0, in: &layout)
    }

    /// - Parameters:
    ///   - direction: of each bond. [bonds, x y z]
    ///   - features: of its length. [bonds, features]
    ///   - weight: its envelope. [bonds, 1]
    /// - Returns: the same for both directions of a bond. [bonds, outputs]
    func callAsFunction<Scalar>(
        direction: Variable<Scalar>, features: Variable<Scalar>, weight: Variable<Scalar>, _ topology: BondTopology
    ) -> Variable<Scalar> {
        mixing(
            amplitude(features).scaledByColumn(weight)
                .summedOverTorsions(topology.angles, partners: topology.bondPartners, directions: direction))
    }
}
