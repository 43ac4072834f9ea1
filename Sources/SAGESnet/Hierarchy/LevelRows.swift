import Autodiff
import Grid
import Kernels
import Tensor

/// The rows of a level's cells and of those of the levels below, of which blocks are made.
struct LevelRows {
    /// Of level 1, 2, ... up to the level.
    let domains: [RowDomain]
    /// From each of them but the last to the next.
    let foldings: [BlockFolding]

    /// - Parameters:
    ///   - top: the level's rows, z, y, x with x fastest, sample after sample.
    ///   - extents: the level's cells along each axis in a sample.
    init(_ configuration: LevelConfiguration, top: RowDomain, extents: Extent3, samples: Int = 1) {
        var (domains, foldings) = ([top], [BlockFolding]())
        var extents = extents
        let factors = configuration.factors
        for level in (1..<configuration.level).reversed() {
            let count = domains[0].count * factors.count
            let cells = RowDomain("cells of level \(level)", capacity: count, count: count)
            foldings.insert(
                BlockFolding(cells: cells, blocks: domains[0], extents: extents, factors: factors, samples: samples), at: 0)
            domains.insert(cells, at: 0)
            extents = Extent3(z: extents.z * factors.z, y: extents.y * factors.y, x: extents.x * factors.x)
        }
        self.domains = domains
        self.foldings = foldings
    }
}

/// The recorded way up from readable numbers to a level's codes, and back.
struct LevelPath<Scalar: KernelScalar> {
    let configuration: LevelConfiguration
    let rows: LevelRows
    /// Of level 1, 2, ...; the level's own may be missing where only what it would encode is wanted.
    let transformers: [RecordedTransformer<Scalar>]

    /// What a cell of a level is encoded from.
    ///
    /// - Parameter readable: of the blocks of level 1 that lie behind one another in time. [R1, numbers] each
    func inputs(_ level: Int, _ readable: ArraySlice<Variable<Scalar>>) -> Variable<Scalar> {
        guard level > 1 else { return readable[readable.startIndex] }
        let share = readable.count / configuration.steps
        return .concatenating((0..<configuration.steps).map { step in
            let first = readable.startIndex + step * share
            return rows.foldings[level - 2].fold(code(level - 1, readable[first..<first + share]))
        })
    }

    /// The codes of a level. [R, codes]
    func code(_ level: Int, _ readable: ArraySlice<Variable<Scalar>>) -> Variable<Scalar> {
        transformers[level - 1].encode(inputs(level, readable))
    }

    /// The readable numbers of a level's codes, in the order of `inputs`.
    func decode(_ level: Int, _ code: Variable<Scalar>) -> [Variable<Scalar>] {
        let numbers = transformers[level - 1].decode(code)
        guard level > 1 else { return [numbers] }
        let share = numbers.columns / configuration.steps
        return (0..<configuration.steps).flatMap { step in
            decode(level - 1, rows.foldings[level - 2].unfold(numbers[columns: step * share..<(step + 1) * share]))
        }
    }

    /// The sites of a level's cells from those of level 1. [R, sites]
    func sites(_ level: Int, _ sites: Variable<Scalar>) -> Variable<Scalar> {
        rows.foldings.prefix(level - 1).reduce(sites) { $1.fold($0) }
    }

    /// An input for each block of level 1 that lies behind one another in time. [R1, numbers] each
    func readableInputs(_ name: String, on tape: Tape<Scalar>) -> [Variable<Scalar>] {
        let domain = rows.domains[0]
        return (0..<configuration.timeBlocks).map {
            tape.input("\(name) \($0)", [domain.capacity, configuration.inputs(1)], over: domain)
        }
    }

    /// An input for the sites of level 1, and what they are to the level; nil for grids.
    func siteInput(on tape: Tape<Scalar>) -> (input: Variable<Scalar>, sites: Variable<Scalar>)? {
        guard configuration.base == .atoms else { return nil }
        let domain = rows.domains[0]
        let input = tape.input("sites", [domain.capacity, configuration.sites(1)], over: domain)
        return (input, sites(configuration.level, input))
    }
}

/// Encodes and decodes a part of a grid that is made of whole cells of a level.
final class LevelCodec<Scalar: KernelScalar> {
    let configuration: LevelConfiguration
    /// Of the part, in blocks of level 1.
    let rowCount: Int
    private let encoder: Program<Scalar>
    private let decoder: Program<Scalar>?
    private let readable: [Variable<Scalar>]
    private let site: (input: Variable<Scalar>, sites: Variable<Scalar>)?
    private let encoded: Variable<Scalar>
    private let code: Variable<Scalar>?
    private let decoded: [Variable<Scalar>]

    /// - Parameters:
    ///   - transformers: of all levels; without the last, `encode` gives what it would be fitted to.
    ///   - extents: the part's cells of the level.
    init(_ configuration: LevelConfiguration, _ transformers: [ScaleTransformer], extents: Extent3) {
        let level = configuration.level
        func path(_ tape: Tape<Scalar>) -> LevelPath<Scalar> {
            let top = RowDomain("cells of level \(level)", capacity: extents.count, count: extents.count)
            return LevelPath(
                configuration: configuration, rows: LevelRows(configuration, top: top, extents: extents),
                transformers: transformers.enumerated().map {
                    RecordedTransformer($1, "transformer \($0 + 1)", on: tape)
                })
        }
        self.configuration = configuration
        let isWhole = transformers.count == level
        let up = Tape<Scalar>()
        let upward = path(up)
        rowCount = upward.rows.domains[0].count
        readable = upward.readableInputs("readable", on: up)
        site = upward.siteInput(on: up)
        encoded = isWhole ? upward.code(level, readable[...]) : upward.inputs(level, readable[...])
        encoder = Program(computing: [encoded] + (site.map { [$0.sites] } ?? []))
        for transformer in upward.transformers { transformer.fill(encoder) }
        guard isWhole else {
            (decoder, code, decoded) = (nil, nil, [])
            return
        }
        let down = Tape<Scalar>()
        let downward = path(down)
        let top = downward.rows.domains[level - 1]
        let code = down.input("code", [top.capacity, configuration.codes(level)], over: top)
        decoded = downward.decode(level, code)
        let decoder = Program(computing: decoded)
        for transformer in downward.transformers { transformer.fill(decoder) }
        (self.decoder, self.code) = (decoder, code)
    }

    /// The readable numbers of one block of level 1 after another, to be filled for `encode`. [R1, numbers]
    func readable(_ block: Int) -> UnsafeMutablePointer<Scalar> { encoder.pointer(to: readable[block]) }
    /// The sites of level 1, to be filled for `encode`; nil for grids. [R1, sites]
    var sites: UnsafeMutablePointer<Scalar>? { site.map { encoder.pointer(to: $0.input) } }
    /// After `encode`: the level's codes [R, codes], and sites [R, sites].
    var codes: UnsafePointer<Scalar> { UnsafePointer(encoder.pointer(to: encoded)) }
    var sitesOfCells: UnsafePointer<Scalar>? { site.map { UnsafePointer(encoder.pointer(to: $0.sites)) } }

    func encode() throws { try encoder.run() }

    /// The readable numbers of codes. [R, codes]
    func decode(_ codes: UnsafePointer<Scalar>) throws {
        guard let decoder, let code else { preconditionFailure("a codec without the level's transformer") }
        decoder.pointer(to: code).update(from: codes, count: code.shape.count)
        try decoder.run()
    }

    /// After `decode`, of a block of level 1. [R1, numbers]
    func decoded(_ block: Int) -> UnsafePointer<Scalar> {
        guard let decoder else { preconditionFailure("a codec without the level's transformer") }
        return UnsafePointer(decoder.pointer(to: decoded[block]))
    }
}
