// The gradient with respect to weights and bias: outer products of input and output-gradient rows, summed over cells.
//
// Cells are taken in blocks that the caches hold. For each block, a tile of (input channel, output channel) sums
// stays in registers while all cells of the block are run through, and is then added to the gradient; short sums
// within long ones also lose less to rounding than one long sum. The blocks depend on the box and on where the halo
// lies alone, so a box gives the same bits every time.

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
///   - x: the input, as for `convolutionForward`.
///   - workspace: `convolutionBackwardWeightsWorkspaceCount` elements.
///   - box: output cells.
///   - accumulate: whether to add to dw and db or to replace them.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionBackwardWeights<T: KernelScalar>(
    _ dw: UnsafeMutablePointer<T>, _ db: UnsafeMutablePointer<T>?,
    _ dy: UnsafePointer<T>, _ dyStrides: CellStrides, _ x: ConvolutionField<T>,
    workspace: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = true
) {
    let outputs = geometry.outputChannels
    if !accumulate {
        for index in 0..<geometry.weightCount { dw[index] = 0 }
        if let db { for c in 0..<outputs { db[c] = 0 } }
    }
    geometry.forwardWindow(x, box).forEachPart { part, taps in
        var pass = WeightGradientPass(
            dw: dw, db: db, dy: dy + part.target(in: dyStrides), dyStrides: dyStrides, taps: taps,
            cells: part.cells, outputs: outputs, workspace: workspace)
        accumulatePart(&pass)
    }
}

/// `convolutionBackwardWeights` of an input that lies between its halo; `x` is the padded input's corner, as for
/// `convolutionForward`.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionBackwardWeights<T: KernelScalar>(
    _ dw: UnsafeMutablePointer<T>, _ db: UnsafeMutablePointer<T>?,
    _ dy: UnsafePointer<T>, _ dyStrides: CellStrides, _ x: UnsafePointer<T>, _ xStrides: CellStrides,
    workspace: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = true
) {
    convolutionBackwardWeights(
        dw, db, dy, dyStrides, geometry.paddedInput(x, xStrides), workspace: workspace, geometry, box: box,
        accumulate: accumulate)
}

/// Output cells whose taps step evenly through memory, or a block of rows of them.
private struct WeightGradientPass<Scalar: KernelScalar> {
    var dw: UnsafeMutablePointer<Scalar>
    var db: UnsafeMutablePointer<Scalar>?
    /// The first cell.
    var dy: UnsafePointer<Scalar>
    var dyStrides: CellStrides
    var taps: TapList<Scalar>
    var cells: CellExtents
    var outputs: Int
    var workspace: UnsafeMutablePointer<Scalar>
    /// From the first cell to the block's first.
    var block = CellExtents(z: 0, y: 0, x: 0)

    /// Makes the axis of one cell z, so that blocks are large.
    mutating func orient() {
        if cells.x > 1 { return }
        cells.exchangeX(withZ: true)
        dyStrides.exchangeX(withZ: true)
        taps.exchangeX(withZ: true)
    }
}

@inline(never)
private func accumulatePart<T: KernelScalar>(_ pass: inout WeightGradientPass<T>) {
    pass.orient()
    let whole = pass.cells
    let columns = min(whole.x, blockCells)
    let rows = max(1, min(whole.y, blockCells / columns))
    pass.cells.z = 1
    for z in 0..<whole.z {
        for y in stride(from: 0, to: whole.y, by: rows) {
            for x in stride(from: 0, to: whole.x, by: columns) {
                pass.block = CellExtents(z: z, y: y, x: x)
                pass.cells.y = min(rows, whole.y - y)
                pass.cells.x = min(columns, whole.x - x)
                accumulateBlock(pass)
            }
        }
    }
}

@inline(__always)
private func accumulateBlock<T: KernelScalar>(_ pass: borrowing WeightGradientPass<T>) {
    var first = 0
    while first < pass.outputs {
        let width = channelBlockWidth(T.self, remaining: pass.outputs - first)
        let valid = min(width, pass.outputs - first)
        if InstructionSet.vectorBytes == 64 {
            if width == DoubleBlock<T.Vector>.width {
                accumulateChannels(DoubleBlock<T.Vector>.self, pass, first, valid)
            } else if width == SingleBlock<T.Vector>.width {
                accumulateChannels(SingleBlock<T.Vector>.self, pass, first, valid)
            } else {
                accumulateChannels(SingleBlock<T.HalfVector>.self, pass, first, valid)
            }
        } else {
            if width == DoubleBlock<T.HalfVector>.width {
                accumulateChannels(DoubleBlock<T.HalfVector>.self, pass, first, valid)
            } else if width == SingleBlock<T.HalfVector>.width {
                accumulateChannels(SingleBlock<T.HalfVector>.self, pass, first, valid)
            } else {
                accumulateChannels(SingleBlock<T.QuarterVector>.self, pass, first, valid)
            }
        }
        first += width
    }
}

/// Rows of the output's gradient, cut to the channels of a block.
private struct GradientRows<Scalar: KernelScalar> {
    var pointer: UnsafePointer<Scalar>
    var strides: CellStrides
    var cells: CellExtents
    /// Channels that are stored.
    var valid: Int
}

/// The output channels [first, first + valid) of a block.
@inline(never)
private func accumulateChannels<Block: ChannelBlock>(
    _: Block.Type, _ pass: borrowing WeightGradientPass<Block.Scalar>, _ first: Int, _ valid: Int
) {
    let (block, cells) = (pass.block, pass.cells)
    var rows = GradientRows(
        pointer: pass.dy + pass.dyStrides.offset(block.z, block.y, block.x) + first, strides: pass.dyStrides,
        cells: cells, valid: valid)
    if valid < Block.width {
        // A partial block would be read beyond its end: copy it between zeros.
        for index in 0..<cells.count { Block().store(to: pass.workspace + index * Block.width) }
        for y in 0..<cells.y {
            copyRows(pass.workspace + y * cells.x * Block.width, Block.width, rows.pointer + y * rows.strides.y,
                     rows.strides.x, rows: cells.x, channels: valid)
        }
        rows.pointer = UnsafePointer(pass.workspace)
        rows.strides = CellStrides(packed: cells, channels: Block.width)
    }
    if let db = pass.db {
        var sum = Block()
        for y in 0..<cells.y {
            for x in 0..<cells.x { sum = sum + Block(loading: rows.pointer + rows.strides.offset(0, y, x)) }
        }
        var total = OneBlock(repeating: sum)
        total.addMemory(db + first, stride: 0, channels: valid)
        total.store(to: db + first, stride: 0, channels: valid)
    }
    for index in 0..<pass.taps.count {
        let tap = pass.taps[index]
        let tiles = EvenTiles(tap.run, limit: Block.tileLimit)
        var x = tap.source + tap.strides.offset(block.z, block.y, block.x)
        var dw = pass.dw + tap.row * pass.outputs + first
        for tile in 0..<tiles.tiles {
            accumulateTile(Block.self, inputs: tiles[tile], rows, x, tap.strides, dw, pass.outputs)
            x += tiles[tile]
            dw += tiles[tile] * pass.outputs
        }
    }
}

@inline(__always)
private func accumulateTile<Block: ChannelBlock>(
    _: Block.Type, inputs: Int, _ rows: GradientRows<Block.Scalar>, _ x: UnsafePointer<Block.Scalar>,
    _ xStrides: CellStrides, _ dw: UnsafeMutablePointer<Block.Scalar>, _ outputs: Int
) {
    switch inputs {
    case 1: accumulateTile(Tile1<Block>.self, rows, x, xStrides, dw, outputs)
    case 2: accumulateTile(Tile2<Block>.self, rows, x, xStrides, dw, outputs)
    case 3: accumulateTile(Tile3<Block>.self, rows, x, xStrides, dw, outputs)
    case 4: accumulateTile(Tile4<Block>.self, rows, x, xStrides, dw, outputs)
    case 5 where Block.tileLimit > 4: accumulateTile(Tile5<Block>.self, rows, x, xStrides, dw, outputs)
    case 6 where Block.tileLimit > 4: accumulateTile(Tile6<Block>.self, rows, x, xStrides, dw, outputs)
    case 7 where Block.tileLimit > 4: accumulateTile(Tile7<Block>.self, rows, x, xStrides, dw, outputs)
    case 8 where Block.tileLimit > 4: accumulateTile(Tile8<Block>.self, rows, x, xStrides, dw, outputs)
    case 9 where Block.tileLimit > 8: accumulateTile(Tile9<Block>.self, rows, x, xStrides, dw, outputs)
    case 10 where Block.tileLimit > 8: accumulateTile(Tile10<Block>.self, rows, x, xStrides, dw, outputs)
    case 11 where Block.tileLimit > 8: accumulateTile(Tile11<Block>.self, rows, x, xStrides, dw, outputs)
    case 12 where Block.tileLimit > 8: accumulateTile(Tile12<Block>.self, rows, x, xStrides, dw, outputs)
    case 13 where Block.tileLimit > 8: accumulateTile(Tile13<Block>.self, rows, x, xStrides, dw, outputs)
    case 14 where Block.tileLimit > 8: accumulateTile(Tile14<Block>.self, rows, x, xStrides, dw, outputs)
    case 15 where Block.tileLimit > 8: accumulateTile(Tile15<Block>.self, rows, x, xStrides, dw, outputs)
    case 16 where Block.tileLimit > 8: accumulateTile(Tile16<Block>.self, rows, x, xStrides, dw, outputs)
    default: preconditionFailure("no tile of \(inputs) channels")
    }
}

@inline(never)
private func accumulateTile<Tile: RegisterTile>(
    _: Tile.Type, _ rows: GradientRows<Tile.Scalar>, _ x: UnsafePointer<Tile.Scalar>, _ xStrides: CellStrides,
    _ dw: UnsafeMutablePointer<Tile.Scalar>, _ outputs: Int
) {
    var sums = Tile(repeating: Tile.Block())
    for row in 0..<rows.cells.y {
        var gradient = rows.pointer + row * rows.strides.y
        var input = x + row * xStrides.y
        for _ in 0..<rows.cells.x {
            sums.add(input, stride: 1, times: Tile.Block(loading: gradient))
            gradient += rows.strides.x
            input += xStrides.x
        }
    }
    sums.addMemory(dw, stride: outputs, channels: rows.valid)
    sums.store(to: dw, stride: outputs, channels: rows.valid)
}
