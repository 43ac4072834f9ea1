import Autodiff
import Grid
import Kernels
import MPI
import Tensor

/// Ghost rows for convolutions over occupied cells, and for pairs of atoms.
final class OccupiedCellExchange<S: KernelScalar & GridScalar>: RowExchange {
    private let exchange: OccupiedRowExchange<S>

    init(_ traffic: any RowTraffic, channelCapacity: Int, rowCapacity: Int) throws {
        exchange = try OccupiedRowExchange(traffic, channelCapacity: channelCapacity, rowCapacity: rowCapacity)
    }

    func start<Scalar: KernelScalar>(rows: UnsafeMutablePointer<Scalar>, channels: Int) throws {
        precondition(Scalar.self == S.self, "an exchange of \(S.self) for rows of \(Scalar.self)")
        try exchange.start(UnsafeMutableRawPointer(rows).assumingMemoryBound(to: S.self), channels: channels)
    }

    func finish<Scalar: KernelScalar>(rows: UnsafeMutablePointer<Scalar>, channels: Int) throws {
        try exchange.finish()
    }
}

/// The halo for convolutions over every cell.
final class DenseCellExchange<S: KernelScalar & GridScalar>: GridExchange {
    private let decomposition: Decomposition
    private let communicator: Communicator
    private var exchanges: [Int: HaloExchange<S>] = [:]

    init(_ decomposition: Decomposition, communicator: Communicator) {
        self.decomposition = decomposition
        self.communicator = communicator
    }

    /// The rows of this rank's cells of a grid, with the halo that others fill.
    static func topology(_ decomposition: Decomposition, communicator: Communicator) -> GridTopology {
        let range = decomposition.range(ofRank: communicator.rank)
        let (origin, extent, boundaries) = (range.lower, range.extent, decomposition.boundaries)
        return GridTopology(
            "cells", extents: CellExtents(z: extent.z, y: extent.y, x: extent.x),
            origin: CellExtents(z: origin.z, y: origin.y, x: origin.x),
            periodic: (boundaries.z == .periodic, boundaries.y == .periodic, boundaries.x == .periodic),
            exchange: communicator.size > 1 ? DenseCellExchange(decomposition, communicator: communicator) : nil)
    }

    /// The exchange for a number of channels, made when it is first needed: the same moment on every rank.
    private func exchange(_ channels: Int) throws -> HaloExchange<S> {
        if let known = exchanges[channels] { return known }
        let made = try HaloExchange<S>(decomposition, communicator: communicator, channels: channels, adjoint: false)
        exchanges[channels] = made
        return made
    }

    func start<Scalar: KernelScalar>(padded: UnsafeMutablePointer<Scalar>, channels: Int) throws {
        precondition(Scalar.self == S.self, "an exchange of \(S.self) for fields of \(Scalar.self)")
        let exchange = try exchange(channels)
        let field = UnsafeMutableRawPointer(padded).assumingMemoryBound(to: S.self)
        try exchange.start(
            padded: UnsafeMutableBufferPointer(start: field, count: exchange.box.padded.count * channels))
    }

    func finish<Scalar: KernelScalar>(padded: UnsafeMutablePointer<Scalar>, channels: Int) throws {
        try exchange(channels).finish()
    }
}
