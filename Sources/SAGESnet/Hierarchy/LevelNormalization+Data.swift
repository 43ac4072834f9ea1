import Grid

extension LevelNormalization {
    /// Root mean squares of what ballistic steps miss, over at most 32 frames of each run; 1 for grids.
    ///
    /// - Throws: what reading does; `SAGESnetError.unsuitableData` for data in which nothing moves.
    init(_ runs: [any BlockRun], _ configuration: LevelConfiguration) throws {
        self.init(stride: runs[0].stride)
        guard configuration.base == .atoms else { return }
        var (position, motion, count) = (0.0, 0.0, 0.0)
        for case let blocks as AtomBlocks in runs {
            let starts = blocks.starts(steps: 1)
            for place in Swift.stride(from: 0, to: starts.count, by: max(1, starts.count / 32)) {
                let (start, end) = (try blocks.frame(starts[place]), try blocks.frame(starts[place] + 1))
                for atom in 0..<blocks.run.atomCount {
                    let velocity = SIMD3(start.velocities.pointer, 3 * atom)
                    let kick = SIMD3(end.velocities.pointer, 3 * atom) - velocity
                    let missed = blocks.run.displacement(of: atom, from: start, to: end) - stride.time * velocity
                    position += (missed * missed).sum()
                    motion += (kick * kick).sum()
                }
                count += 3 * Double(blocks.run.atomCount)
            }
        }
        offset = (position / max(count, 1)).squareRoot()
        velocity = (motion / max(count, 1)).squareRoot()
        guard offset > 1e-12, velocity > 1e-12 else {
            throw SAGESnetError.unsuitableData(file: runs[0].path, reason: "nothing but uniform motion is in its frames")
        }
    }
}

extension LevelCodec {
    /// Encodes a box of blocks of level 1, from a frame on.
    func encode(_ run: any BlockRun, frame: Int, _ normalization: LevelNormalization, _ box: CellRange) throws {
        let order = FrameOrder(first: frame, steps: configuration.frames(configuration.level) - 1, isReversed: false)
        for block in 0..<configuration.timeBlocks {
            try run.write(
                order, from: block * configuration.steps, symmetry: 0, normalization, box, into: readable(block))
        }
        if let sites { run.writeSites(symmetry: 0, box, into: sites) }
        try encode()
    }
}
