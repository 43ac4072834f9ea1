/// A power of two of channel blocks that stay in registers while products are added to them: the blocks of cells
/// along a line (forward, data gradient), or of input channels (weight gradient).
protocol RegisterTile<Block> {
    associatedtype Block: ChannelBlock
    /// The tile of half as many blocks, for what is left of a line; of a single block, itself.
    associatedtype Half: RegisterTile where Half.Block == Block
    typealias Scalar = Block.Scalar
    /// Blocks.
    static var count: Int { get }
    /// The same block everywhere.
    init(repeating block: Block)
    /// Adds `channels` channels of memory to each block, `stride` elements apart.
    mutating func addMemory(_ pointer: UnsafePointer<Scalar>, stride: Int, channels: Int)
    /// Adds factors[n stride] * weights to block n, fused.
    mutating func add(_ factors: UnsafePointer<Scalar>, stride: Int, times weights: Block)
    /// Stores the first `channels` channels of each block, `stride` elements apart.
    func store(to pointer: UnsafeMutablePointer<Scalar>, stride: Int, channels: Int)
}

struct OneBlock<Block: ChannelBlock>: RegisterTile {
    typealias Half = Self
    var block: Block

    @inline(__always) static var count: Int { 1 }
    @inline(__always) init(repeating block: Block) { self.block = block }
    @inline(__always) mutating func addMemory(_ pointer: UnsafePointer<Block.Scalar>, stride: Int, channels: Int) {
        block = Block(loading: pointer, count: channels) + block
    }
    @inline(__always) mutating func add(_ factors: UnsafePointer<Block.Scalar>, stride: Int, times weights: Block) {
        block.add(factors[0], times: weights)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Block.Scalar>, stride: Int, channels: Int) {
        block.store(to: pointer, count: channels)
    }
}

struct Twice<Half: RegisterTile>: RegisterTile {
    typealias Block = Half.Block
    var low, high: Half

    @inline(__always) static var count: Int { 2 * Half.count }
    @inline(__always) init(repeating block: Block) {
        (low, high) = (Half(repeating: block), Half(repeating: block))
    }
    @inline(__always) mutating func addMemory(_ pointer: UnsafePointer<Block.Scalar>, stride: Int, channels: Int) {
        low.addMemory(pointer, stride: stride, channels: channels)
        high.addMemory(pointer + Half.count * stride, stride: stride, channels: channels)
    }
    @inline(__always) mutating func add(_ factors: UnsafePointer<Block.Scalar>, stride: Int, times weights: Block) {
        low.add(factors, stride: stride, times: weights)
        high.add(factors + Half.count * stride, stride: stride, times: weights)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Block.Scalar>, stride: Int, channels: Int) {
        low.store(to: pointer, stride: stride, channels: channels)
        high.store(to: pointer + Half.count * stride, stride: stride, channels: channels)
    }
}

typealias FourBlocks<Block: ChannelBlock> = Twice<Twice<OneBlock<Block>>>
typealias EightBlocks<Block: ChannelBlock> = Twice<FourBlocks<Block>>
typealias SixteenBlocks<Block: ChannelBlock> = Twice<EightBlocks<Block>>
