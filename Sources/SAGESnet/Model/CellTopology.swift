import Autodiff
import Kernels

/// Which cells are rows and which are their neighbors: the ground that a cell network stands on.
public enum CellTopology {
    /// Cells that hold atoms.
    case occupied(NeighborTopology)
    /// Every cell of a box.
    case dense(GridConvolution)
    /// Atoms, whose neighbors are found by the cells.
    case atoms(BondTopology)

    /// The rows: one a cell, or one an atom.
    public var domain: RowDomain {
        switch self {
        case .occupied(let topology): topology.domain
        case .dense(let convolution): convolution.input.domain
        case .atoms(let bonds): bonds.atoms
        }
    }

    /// The 3x3x3 convolution with `weights` [27, I, O], offsets z, y, x from -1 to 1.
    func convolve<Scalar>(_ x: Variable<Scalar>, _ weights: Variable<Scalar>) -> Variable<Scalar> {
        switch self {
        case .occupied(let topology): x.neighborConvolution(weights, topology)
        case .dense(let convolution): x.gridConvolution(weights, convolution)
        case .atoms: preconditionFailure("atoms have no convolution with weights for each cell")
        }
    }
}
