/// A tile that is made of smaller ones: what is left of a line is done by its first part, then by that one's first part.
protocol HalvingTile: RegisterTile {
    /// Its first part, at least half of it; of a single block, itself.
    associatedtype Half: HalvingTile where Half.Block == Block
}

extension OneBlock: HalvingTile {
    typealias Half = Self
}

extension Joined: HalvingTile where Low: HalvingTile {
    typealias Half = Low
}
