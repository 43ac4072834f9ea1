/// Channel blocks that stay in registers while products are added to them: the blocks of cells along a line
/// (forward, data gradient), or of input channels (weight gradient).
protocol RegisterTile<Block> {
    associatedtype Block: ChannelBlock
    typealias Scalar = Block.Scalar
    /// Blocks.
    static var count: Int { get }
    /// The same block everywhere.
    init(repeating block: Block)
    /// Adds memory to each block, `stride` elements apart: memory + block.
    mutating func addMemory(_ pointer: UnsafePointer<Scalar>, stride: Int)
    /// Adds factors[n stride] * weights to block n, fused.
    mutating func add(_ factors: UnsafePointer<Scalar>, stride: Int, times weights: Block)
    /// Stores each block, `stride` elements apart.
    func store(to pointer: UnsafeMutablePointer<Scalar>, stride: Int)
}

extension RegisterTile {
    /// Adds the first `channels` channels of memory to each block and reads no further.
    @inline(__always)
    mutating func addMemory(_ pointer: UnsafePointer<Scalar>, stride: Int, channels: Int) {
        if channels == Block.width { return addMemory(pointer, stride: stride) }
        var memory = Self(repeating: Block())
        withUnsafeMutableBytes(of: &memory) { bytes in
            let rows = bytes.baseAddress!.assumingMemoryBound(to: Scalar.self)
            copyRows(rows, Block.width, pointer, stride, rows: Self.count, channels: channels)
            addMemory(rows, stride: Block.width)
        }
    }

    /// Stores the first `channels` channels of each block and writes no further.
    @inline(__always)
    func store(to pointer: UnsafeMutablePointer<Scalar>, stride: Int, channels: Int) {
        if channels == Block.width { return store(to: pointer, stride: stride) }
        // A tile is its blocks in their order, so in memory it is rows of them.
        withUnsafeBytes(of: self) { bytes in
            copyRows(pointer, stride, bytes.baseAddress!.assumingMemoryBound(to: Scalar.self), Block.width,
                     rows: Self.count, channels: channels)
        }
    }
}

/// Copies the first `channels` elements of each row, and touches no others.
@inline(never)
func copyRows<T: KernelScalar>(
    _ target: UnsafeMutablePointer<T>, _ targetStride: Int, _ source: UnsafePointer<T>, _ sourceStride: Int,
    rows: Int, channels: Int
) {
    let lanes = T.QuarterVector.scalarCount
    let whole = channels / lanes * lanes
    var (target, source) = (target, source)
    for _ in 0..<rows {
        for lane in stride(from: 0, to: whole, by: lanes) {
            let piece = UnsafeRawPointer(source + lane).loadUnaligned(as: T.QuarterVector.self)
            UnsafeMutableRawPointer(target + lane).storeBytes(of: piece, as: T.QuarterVector.self)
        }
        for lane in whole..<channels { target[lane] = source[lane] }
        target += targetStride
        source += sourceStride
    }
}

struct OneBlock<Block: ChannelBlock>: RegisterTile {
    var block: Block

    @inline(__always) static var count: Int { 1 }
    @inline(__always) init(repeating block: Block) { self.block = block }
    @inline(__always) mutating func addMemory(_ pointer: UnsafePointer<Block.Scalar>, stride: Int) {
        block = Block(loading: pointer) + block
    }
    @inline(__always) mutating func add(_ factors: UnsafePointer<Block.Scalar>, stride: Int, times weights: Block) {
        block.add(factors[0], times: weights)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Block.Scalar>, stride: Int) {
        block.store(to: pointer)
    }
}

/// The blocks of one tile and then those of another.
struct Joined<Low: RegisterTile, High: RegisterTile>: RegisterTile where Low.Block == High.Block {
    typealias Block = Low.Block
    var low: Low
    var high: High

    @inline(__always) static var count: Int { Low.count + High.count }
    @inline(__always) init(repeating block: Block) { (low, high) = (Low(repeating: block), High(repeating: block)) }
    @inline(__always) mutating func addMemory(_ pointer: UnsafePointer<Block.Scalar>, stride: Int) {
        low.addMemory(pointer, stride: stride)
        high.addMemory(pointer + Low.count * stride, stride: stride)
    }
    @inline(__always) mutating func add(_ factors: UnsafePointer<Block.Scalar>, stride: Int, times weights: Block) {
        low.add(factors, stride: stride, times: weights)
        high.add(factors + Low.count * stride, stride: stride, times: weights)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Block.Scalar>, stride: Int) {
        low.store(to: pointer, stride: stride)
        high.store(to: pointer + Low.count * stride, stride: stride)
    }
}

typealias Tile1<Block: ChannelBlock> = OneBlock<Block>
typealias Tile2<Block: ChannelBlock> = Joined<Tile1<Block>, Tile1<Block>>
typealias Tile3<Block: ChannelBlock> = Joined<Tile2<Block>, Tile1<Block>>
typealias Tile4<Block: ChannelBlock> = Joined<Tile2<Block>, Tile2<Block>>
typealias Tile5<Block: ChannelBlock> = Joined<Tile4<Block>, Tile1<Block>>
typealias Tile6<Block: ChannelBlock> = Joined<Tile4<Block>, Tile2<Block>>
typealias Tile7<Block: ChannelBlock> = Joined<Tile4<Block>, Tile3<Block>>
typealias Tile8<Block: ChannelBlock> = Joined<Tile4<Block>, Tile4<Block>>
typealias Tile9<Block: ChannelBlock> = Joined<Tile8<Block>, Tile1<Block>>
typealias Tile10<Block: ChannelBlock> = Joined<Tile8<Block>, Tile2<Block>>
typealias Tile11<Block: ChannelBlock> = Joined<Tile8<Block>, Tile3<Block>>
typealias Tile12<Block: ChannelBlock> = Joined<Tile8<Block>, Tile4<Block>>
typealias Tile13<Block: ChannelBlock> = Joined<Tile8<Block>, Tile5<Block>>
typealias Tile14<Block: ChannelBlock> = Joined<Tile8<Block>, Tile6<Block>>
typealias Tile15<Block: ChannelBlock> = Joined<Tile8<Block>, Tile7<Block>>
typealias Tile16<Block: ChannelBlock> = Joined<Tile8<Block>, Tile8<Block>>

/// The tiles that a line of blocks is cut into: as few as the registers allow and as even as can be, since a small
/// tile leaves the multiply-add units waiting for its sums.
struct EvenTiles {
    let tiles: Int
    private let size, larger: Int

    @inline(__always)
    init(_ count: Int, limit: Int) {
        tiles = (count + limit - 1) / limit
        (size, larger) = tiles == 0 ? (0, 0) : (count / tiles, count % tiles)
    }

    /// Blocks of tile `index`.
    @inline(__always)
    subscript(index: Int) -> Int { index < larger ? size + 1 : size }
}
