/// What a simulation step of perfect diamond computes and communicates, counted from the network.
struct StepCounts {
    let model: StepModel

    init(_ model: StepModel) { self.model = model }

    /// Velocity kicks of a step that are computed, each an energy and its gradient: two, for the last one of a step is
    /// the first of the next. One pass of increments in the dense form.
    var evaluations: Int { model.form == .dense ? 1 : 2 }

    /// Exchanges. Of convolutions: in each block, and once more where the gradient passes it. Of bonds: the atoms' places, once
    /// more with what the gradient gives them; the bonds' places and angles, and the gradients by both.
    var exchanges: Int {
        switch model.form {
        case .energy: 2 * StepModel.blocks * evaluations
        case .dense: StepModel.blocks * evaluations
        case .bonds: 7 * evaluations
        }
    }

    /// Sums over all ranks: agreement on the atoms' cells twice, and the momentum.
    var reductions: Int { 3 }

    /// Floating point operations of the products of matrices for one cell of the network, two a multiply-add:
    /// convolutions and 1x1x1 layers, forward, and again with transposed weights in the gradient.
    var operationsPerCell: Double {
        let c = model.channels
        switch model.form {
        case .energy:
            // A convolution over an atom of diamond and its four neighbors, and a 1x1x1 layer.
            let square = c * c
            let blocks = StepModel.blocks * 6 * square
            let readout = square + c
            let forward = 4 * c + blocks + readout
            let gradient = 3 * c + blocks + readout
            return 2 * Double(evaluations * (forward + gradient))
        case .dense:
            let blocks = StepModel.blocks * 28 * c * c
            let codec = 7 * c + 2 * 6 * c
            return 2 * Double(blocks + codec)
        case .bonds:
            // Four bonds of an atom of diamond: lengths, cosines of six angles, the network of a bond; the atom's own network.
            let bonds = 4 * (12 * 48 + 60 * 48 + 48 * 24)
            let angles = 6 * 5 * 24
            let atom = 8 * 16 + 40 * 32 + 32
            return 2 * 2 * Double(evaluations * (bonds + angles + atom))
        }
    }
}
