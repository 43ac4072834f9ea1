import Autodiff
import Grid
import Kernels
import Tensor
import Training

/// A grid's model on regions alone: cubes of cells with as many cells around them as a step can see.
final class RegionNetwork<Scalar: TrainingScalar> {
    private let model: GridModel
    /// Cells of a region along each axis, and around it.
    private let side, margin: Int
    /// Regions that one run computes.
    private static var capacity: Int { 8 }
    private let program: Program<Scalar>
    private let cells: UnsafeMutablePointer<Scalar>
    private let logits: UnsafePointer<Scalar>
    private let parity: Variable<Scalar>?
    /// The parities of cells at even steps and at odd ones.
    private let parities: [Buffer<Scalar>]

    init(_ model: GridModel, parameters: Buffer<Scalar>, side: Int) {
        self.model = model
        self.side = side
        margin = model.configuration.blocks
        let edge = side + 2 * margin
        let grid = GridTopology(
            "cells", extents: CellExtents(z: edge, y: edge, x: edge), samples: Self.capacity,
            periodic: (false, false, false))
        let tape = Tape<Scalar>()
        let inputs = GridModel.Inputs<Scalar>(model, on: tape, over: grid.domain)
        let result = model.logits(inputs, GridConvolution(over: grid, algorithm: model.configuration.convolution))
        program = Program(computing: [result], parameters: parameters.pointer)
        // The parameters of a simulation stay as they are.
        program.preparesEachRun = false
        cells = program.pointer(to: inputs.cells)
        logits = UnsafePointer(program.pointer(to: result))
        parity = inputs.parity
        let box = CellRange(
            lower: Extent3(repeating: -margin), upper: Extent3(repeating: side + margin))
        parities = inputs.parity == nil ? [] : (0..<2).map { step in
            let one: Buffer<Scalar> = GridModel.parityColumns(of: box, step: step)
            let all = Buffer<Scalar>(repeating: 0, count: Self.capacity * one.count)
            for region in 0..<Self.capacity { (all.pointer + region * one.count).update(from: one.pointer, count: one.count) }
            return all
        }
    }

    /// Steps regions; returns how many logits are not finite. Not collective.
    ///
    /// - Parameters:
    ///   - regions: the first cell of each within `range`; an even number of cells from the grid's first one.
    ///   - padded: the cells of a box and `margin` cells around it. [z, y, x, component]
    ///   - extent: of the box.
    ///   - dataStep: of the cells.
    ///   - next: the cells of the box, of which those of the regions are set. [z, y, x, component]
    func step(
        _ regions: [Extent3], padded: UnsafePointer<Scalar>, extent: Extent3, dataStep: Int64,
        into next: UnsafeMutablePointer<Scalar>
    ) throws -> Int {
        if let parity { program.bind(parity, to: parities[Int(dataStep & 1)].pointer) }
        let around = Extent3(z: extent.z + 2 * margin, y: extent.y + 2 * margin, x: extent.x + 2 * margin)
        var unusable = 0
        for first in stride(from: 0, to: regions.count, by: Self.capacity) {
            let batch = regions[first..<min(first + Self.capacity, regions.count)]
            for (sample, region) in batch.enumerated() {
                gather(sample, region, padded, around)
            }
            try program.run()
            for (sample, region) in batch.enumerated() {
                unusable += round(sample, region, extent, into: next)
            }
        }
        return unusable
    }

    /// Takes one region's cells and those around it.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func gather(_ sample: Int, _ region: Extent3, _ padded: UnsafePointer<Scalar>, _ around: Extent3) {
        let (edge, components) = (side + 2 * margin, model.configuration.components)
        let line = edge * components
        for row in 0..<edge * edge {
            // The padded box begins `margin` cells before the box, and so does what a region sees.
            let cell = region + Extent3(z: row / edge, y: row % edge, x: 0)
            (cells + (sample * edge * edge + row) * line)
                .update(from: padded + around.index(of: cell) * components, count: line)
        }
    }

    /// Sets one region's cells by their logits; returns how many of these are not finite.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func round(
        _ sample: Int, _ region: Extent3, _ extent: Extent3, into next: UnsafeMutablePointer<Scalar>
    ) -> Int {
        let (edge, components) = (side + 2 * margin, model.configuration.components)
        var unusable = 0
        for z in 0..<side {
            for y in 0..<side {
                let row = ((sample * edge + margin + z) * edge + margin + y) * edge + margin
                let (source, target) = (
                    logits + row * components, next + extent.index(of: region + Extent3(z: z, y: y, x: 0)) * components
                )
                for index in 0..<side * components {
                    if !source[index].isFinite { unusable += 1 }
                    target[index] = source[index] > 0 ? 1 : 0
                }
            }
        }
        return unusable
    }
}
