// The gradient with respect to weights and bias: outer products of input and output-gradient rows, summed over cells.
//
// Cells are taken in blocks that the caches hold. For each block, a tile of (input channel, output channel) sums
// stays in registers while all cells of the block are run through, and is then added to the gradient; short sums
// within long ones also lose less to rounding than one long sum. The blocks depend on the box alone, so a box gives
// the same bits every time.

/// Cells of one block.
private let blockCells = 256

/// Elements of workspace that `convolutionBackwardWeights` needs.
public func convolutionBackwardWeightsWorkspaceCount<T: KernelScalar>(_: T.Type, _: ConvolutionGeometry) -> Int {
    blockCells * DoubleBlock<T.Vector>.width
}

/// Adds the sum over output cells o of a box to the gradients of weights and bias:
///
///     dw[k, i, c] += sum over o of x[s o + k - p, i] dy[o, c],        db[c] += sum over o of dy[o, c]
///
/// - Parameters:
///   - dw: [kz, ky, kx, inputChannels, outputChannels].
///   - db: [outputChannels], or none.
///   - dy: output cell (0, 0, 0) of the output's gradient, with `dyStrides`.
///   - x: the padded input's corner, as for `convolutionForward`.
///   - workspace: `convolutionBackwardWeightsWorkspaceCount` elements.
///   - box: output cells.
///   - accumulate: whether to add to dw and db or to replace them.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionBackwardWeights<T: KernelScalar>(
    _ dw: UnsafeMutablePointer<T>, _ db: UnsafeMutablePointer<T>?,
    _ dy: UnsafePointer<T>, _ dyStrides: CellStrides, _ x: UnsafePointer<T>, _ xStrides: CellStrides,
    workspace: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = true
) {
    let outputs = geometry.outputChannels
    if !accumulate {
        for index in 0..<geometry.weightCount { dw[index] = 0 }
        if let db { for c in 0..<outputs { db[c] = 0 } }
    }
    if box.extents.count == 0 { return }
    let columns = min(box.extents.x, blockCells)
    let rows = max(1, min(box.extents.y, blockCells / columns))
    for z in box.origin.z..<box.origin.z + box.extents.z {
        for y in stride(from: box.origin.y, to: box.origin.y + box.extents.y, by: rows) {
            for first in stride(from: box.origin.x, to: box.origin.x + box.extents.x, by: columns) {
                let cells = CellExtents(z: 1, y: min(rows, box.origin.y + box.extents.y - y),
                                        x: min(columns, box.origin.x + box.extents.x - first))
                accumulateBlock(WeightGradientPass(
                    dw: dw, db: db, dy: dy + dyStrides.offset(z, y, first), dyStrides: dyStrides,
                    x: x + geometry.stride * xStrides.offset(z, y, first), xStrides: xStrides,
                    cells: cells, geometry: geometry, workspace: workspace))
            }
        }
    }
}

/// A block of rows of output cells.
private struct WeightGradientPass<Scalar: KernelScalar> {
    var dw: UnsafeMutablePointer<Scalar>
    var db: UnsafeMutablePointer<Scalar>?
    /// The first cell of the block and its first tap.
    var dy: UnsafePointer<Scalar>
    var dyStrides: CellStrides
    var x: UnsafePointer<Scalar>
    var xStrides: CellStrides
    var cells: CellExtents
    var geometry: ConvolutionGeometry
    var workspace: UnsafeMutablePointer<Scalar>
}

@inline(__always)
private func accumulateBlock<T: KernelScalar>(_ pass: WeightGradientPass<T>) {
    let outputs = pass.geometry.outputChannels
    var first = 0
    while first < outputs {
        let width = channelBlockWidth(T.self, remaining: outputs - first)
        let valid = min(width, outputs - first)
        if InstructionSet.vectorBytes == 64 {
            if width == DoubleBlock<T.Vector>.width {
                accumulateChannels(EightBlocks<DoubleBlock<T.Vector>>.self, pass, first, valid)
            } else if width == SingleBlock<T.Vector>.width {
                accumulateChannels(SixteenBlocks<SingleBlock<T.Vector>>.self, pass, first, valid)
            } else {
                accumulateChannels(SixteenBlocks<SingleBlock<T.HalfVector>>.self, pass, first, valid)
            }
        } else {
            if width == DoubleBlock<T.HalfVector>.width {
                accumulateChannels(FourBlocks<DoubleBlock<T.HalfVector>>.self, pass, first, valid)
            } else if width == SingleBlock<T.HalfVector>.width {
                accumulateChannels(EightBlocks<SingleBlock<T.HalfVector>>.self, pass, first, valid)
            } else {
                accumulateChannels(EightBlocks<SingleBlock<T.QuarterVector>>.self, pass, first, valid)
            }
        }
        first += width
    }
}

/// The output channels [first, first + valid) of a block.
@inline(never)
private func accumulateChannels<Tile: RegisterTile>(
    _: Tile.Type, _ unpadded: WeightGradientPass<Tile.Scalar>, _ first: Int, _ valid: Int
) {
    typealias Block = Tile.Block
    var pass = unpadded
    pass.dy += first
    if valid < Block.width {
        // A partial block would be read beyond its end: copy it between zeros.
        var target = pass.workspace
        for y in 0..<pass.cells.y {
            for x in 0..<pass.cells.x {
                Block(loading: pass.dy + pass.dyStrides.offset(0, y, x), count: valid).store(to: target)
                target += Block.width
            }
        }
        pass.dy = UnsafePointer(pass.workspace)
        pass.dyStrides = CellStrides(packed: pass.cells, channels: Block.width)
    }
    if let db = pass.db {
        var sum = Block()
        for y in 0..<pass.cells.y {
            for x in 0..<pass.cells.x { sum = sum + Block(loading: pass.dy + pass.dyStrides.offset(0, y, x)) }
        }
        (Block(loading: db + first, count: valid) + sum).store(to: db + first, count: valid)
    }
    let (kernel, inputs, outputs) = (pass.geometry.kernel, pass.geometry.inputChannels, pass.geometry.outputChannels)
    // Taps along x whose channels follow each other in memory are one longer run of input channels.
    let joined = pass.xStrides.x == inputs
    for z in 0..<kernel {
        for y in 0..<kernel {
            for x in 0..<(joined ? 1 : kernel) {
                accumulateRun(Tile.self, pass, valid,
                              dw: pass.dw + ((z * kernel + y) * kernel + x) * inputs * outputs + first,
                              x: pass.x + pass.xStrides.offset(z, y, x), channels: joined ? kernel * inputs : inputs)
            }
        }
    }
}

/// A run of input channels: as many whole tiles as fit, then a tile of half the size, and so on.
@inline(__always)
private func accumulateRun<Tile: RegisterTile>(
    _: Tile.Type, _ pass: WeightGradientPass<Tile.Scalar>, _ valid: Int,
    dw: UnsafeMutablePointer<Tile.Scalar>, x: UnsafePointer<Tile.Scalar>, channels: Int
) {
    var (dw, x, remaining) = (dw, x, channels)
    while remaining >= Tile.count {
        accumulateTile(Tile.self, pass, valid, dw, x)
        dw += Tile.count * pass.geometry.outputChannels
        x += Tile.count
        remaining -= Tile.count
    }
    if Tile.count > 1 && remaining > 0 {
        accumulateRest(Tile.Half.self, pass, valid, dw: dw, x: x, channels: remaining)
    }
}

@inline(never)
private func accumulateRest<Tile: RegisterTile>(
    _: Tile.Type, _ pass: WeightGradientPass<Tile.Scalar>, _ valid: Int,
    dw: UnsafeMutablePointer<Tile.Scalar>, x: UnsafePointer<Tile.Scalar>, channels: Int
) {
    accumulateRun(Tile.self, pass, valid, dw: dw, x: x, channels: channels)
}

@inline(__always)
private func accumulateTile<Tile: RegisterTile>(
    _: Tile.Type, _ pass: WeightGradientPass<Tile.Scalar>, _ valid: Int,
    _ dw: UnsafeMutablePointer<Tile.Scalar>, _ x: UnsafePointer<Tile.Scalar>
) {
    let step = pass.geometry.stride
    var sums = Tile(repeating: Tile.Block())
    for row in 0..<pass.cells.y {
        var gradient = pass.dy + row * pass.dyStrides.y
        var input = x + row * step * pass.xStrides.y
        for _ in 0..<pass.cells.x {
            sums.add(input, stride: 1, times: Tile.Block(loading: gradient))
            gradient += pass.dyStrides.x
            input += step * pass.xStrides.x
        }
    }
    let outputs = pass.geometry.outputChannels
    sums.addMemory(dw, stride: outputs, channels: valid)
    sums.store(to: dw, stride: outputs, channels: valid)
}
