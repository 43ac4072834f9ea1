/// A tile of 2^n blocks, of which the halves are tiles as well: what is left of a line is done by halves of halves.
protocol HalvingTile: RegisterTile {
    /// Half as many blocks; of a single block, itself.
    associatedtype Half: HalvingTile where Half.Block == Block
}

extension OneBlock: HalvingTile {
    typealias Half = Self
}

extension Joined: HalvingTile where Low == High, Low: HalvingTile {
    typealias Half = Low
}
