/// What a simulation step of perfect diamond computes and communicates, counted from the network.
struct StepCounts {
    let model: StepModel

    init(_ model: StepModel) { self.model = model }

    /// Velocity kicks of a step that are computed, each an energy and its gradient: two, for the last one of a step is
    /// the first of the next. One pass of increments in the dense form.
    var evaluations: Int { model.form == .energy ? 2 : 1 }

    /// Convolutions, and with them exchanges: in each block, and once more where the gradient passes it.
    var exchanges: Int { StepModel.blocks * evaluations * (model.form == .energy ? 2 : 1) }

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
        }
    }
}
