import Kernels
import Tensor

/// A recorded computation with all of its memory planned: it computes chosen outputs again and again and allocates
/// nothing while it does.
///
/// Operations that no output needs are left out. The others are computed stage by stage (`Schedule`); results that
/// pass from one operation of a stage to another live in a small buffer for one block of rows, other intermediate
/// results share one arena by their lifetimes; inputs, constants and outputs have memory of their own; parameters are
/// read where their arena is. Blocks and pieces of a stage go to the threads of `ThreadTeam.shared`; outputs have the
/// same bits for any number of threads, any size of blocks, fused or not.
public final class Program<Scalar: KernelScalar> {
    /// How a program is cut, for tests and measurements; results do not depend on it.
    public struct Options: Sendable {
        /// Whether operations that pass single rows to each other are computed together.
        public var isFusing = true
        /// Rows of a block; chosen by size if nil.
        public var blockRows: Int?
        public init() {}
    }

    /// Whether `run` computes anew what depends on parameters alone, such as transposed weights. Where it is false,
    /// `parametersChanged` tells when to.
    public var preparesEachRun = true

    let stages: [ProgramStage<Scalar>]
    let team: ThreadTeam
    /// The whole memory of each needed node; of those in block buffers, the shape alone.
    let values: UnsafeMutablePointer<Operand<Scalar>>
    /// The values whose row count is set anew at each run.
    private let domains: [(value: Int, domain: RowDomain)]
    private let parameterValues: [(value: Int, offset: Int)]
    private let valueOfNode: [Int: Int]
    private let stageOfNode: [Int: Int]
    private let inBlocks: Set<Int>
    private let arena: Buffer<Scalar>
    private let pinned: [Buffer<Scalar>]
    private let runner: StageRunner<Scalar>
    private var isPrepared = false

    /// Elements of the arena that intermediate results share.
    public var arenaCount: Int { arena.count }
    /// Operations that are computed.
    public let operationCount: Int
    /// Calls of kernels that compute them, for one block of each stage.
    public let kernelCount: Int
    /// What `run(afterStage:)` counts.
    public var stageCount: Int { stages.count }

    /// Plans the computation of `outputs`.
    ///
    /// - Parameters:
    ///   - parameters: the parameter arena, which must stay where it is while the program lives (it can be
    ///     changed with `bind(parameters:)`); nil if the tape has no parameters.
    ///   - team: the threads to compute on.
    public init(
        computing outputs: [Variable<Scalar>], parameters: UnsafeMutablePointer<Scalar>? = nil,
        options: Options = Options(), team: ThreadTeam = .shared
    ) {
        precondition(!outputs.isEmpty, "a program without outputs")
        let tape = outputs[0].tape
        let schedule = Schedule(tape: tape, outputs: outputs.map(\.id), fusing: options.isFusing)
        let plan = MemoryPlan(tape: tape, schedule: schedule, outputs: outputs.map(\.id))
        let arena = Buffer<Scalar>(repeating: 0, count: plan.arenaCount)
        let values = UnsafeMutablePointer<Operand<Scalar>>.allocate(capacity: schedule.needed.count)
        var pinned: [Buffer<Scalar>] = []
        for (index, id) in schedule.needed.enumerated() {
            let node = tape.nodes[id]
            let pointer: UnsafeMutablePointer<Scalar>
            switch plan.places[id] {
            case .arena(let offset)?: pointer = arena.pointer + offset
            case .pinned?:
                var fill: Scalar = 0
                if case .constant(let value) = node.kind { fill = value }
                let buffer = Buffer<Scalar>(repeating: fill, count: node.shape.count)
                pinned.append(buffer)
                pointer = buffer.pointer
            case .parameter(let offset)?:
                precondition(parameters != nil, "a program with parameters needs their arena")
                pointer = parameters! + offset
            case .block?: pointer = arena.pointer
            case nil: preconditionFailure("node \(id) has no place")
            }
            (values + index).initialize(
                to: Operand(pointer: pointer, shape: node.shape, rows: node.shape.rows, columns: node.shape.columns))
        }
        let valueOfNode = Dictionary(uniqueKeysWithValues: schedule.needed.enumerated().map { ($1, $0) })
        let ghosts = StageGhosts.planned(for: schedule, tape: tape, valueOfNode: valueOfNode)
        stages = schedule.stages.enumerated().map { index, stage in
            ProgramStage(
                stage, tape: tape, plan: plan, blockColumns: plan.blockColumns[index], valueOfNode: valueOfNode,
                ghosts: ghosts[index], options: options)
        }
        stageOfNode = Dictionary(
            uniqueKeysWithValues: schedule.stages.enumerated().flatMap { index, stage in stage.nodes.map { ($0, index) } })
        domains = schedule.needed.enumerated().compactMap { index, id in tape.nodes[id].domain.map { (index, $0) } }
        parameterValues = schedule.needed.enumerated().compactMap { index, id in
            if case .parameter(let offset) = tape.nodes[id].kind { (index, offset) } else { nil }
        }
        inBlocks = Set(schedule.needed.filter { if case .block? = plan.places[$0] { true } else { false } })
        operationCount = schedule.operationCount
        kernelCount = schedule.stages.reduce(0) { $0 + $1.steps.count }
        runner = StageRunner(stages: stages, values: values)
        self.values = values
        self.valueOfNode = valueOfNode
        self.arena = arena
        self.pinned = pinned
        self.team = team
    }

    deinit {
        values.deinitialize(count: valueOfNode.count)
        values.deallocate()
    }

    /// Computes the outputs from the inputs and parameters as they are now.
    ///
    /// - Throws: what communication inside an operation throws; collective if an operation of the tape is.
    public func run() throws { try run { _ in } }

    /// Computes the outputs and tells after each stage its index, so that a result can be sent on its way while the
    /// rest is computed (see `completionIndex`).
    public func run(afterStage: (Int) throws -> Void) throws {
        for (value, domain) in domains { values[value].rows = domain.count }
        let skipsPreparation = isPrepared && !preparesEachRun
        for index in stages.indices {
            if !(skipsPreparation && stages[index].isPreparation) { try runner.run(index, on: team) }
            try afterStage(index)
        }
        isPrepared = true
    }

    /// What depends on parameters alone is computed by the next run, whatever `preparesEachRun` says.
    public func parametersChanged() { isPrepared = false }

    /// The index of the stage that completes `output`; -1 for what needs no computation.
    public func completionIndex(of output: Variable<Scalar>) -> Int { stageOfNode[output.id] ?? -1 }

    private func value(of variable: Variable<Scalar>) -> Int {
        guard let value = valueOfNode[variable.id], !inBlocks.contains(variable.id) else {
            preconditionFailure("variable of shape \(variable.shape) is neither input nor output of the program")
        }
        return value
    }

    /// The memory of an input or output.
    public func pointer(to variable: Variable<Scalar>) -> UnsafeMutablePointer<Scalar> {
        values[value(of: variable)].pointer
    }

    /// Whether the program reads `variable` at all.
    public func contains(_ variable: Variable<Scalar>) -> Bool { valueOfNode[variable.id] != nil }

    /// Lets the program read an input from, or write an output to, memory of the caller's instead of its own.
    ///
    /// The memory holds `shape.count` elements with `BufferPool.readableMargin` readable bytes behind them.
    public func bind(_ variable: Variable<Scalar>, to pointer: UnsafeMutablePointer<Scalar>) {
        guard contains(variable) else { return }
        values[value(of: variable)].pointer = pointer
    }

    /// Reads parameters from another arena from now on.
    public func bind(parameters: UnsafeMutablePointer<Scalar>) {
        for (value, offset) in parameterValues { values[value].pointer = parameters + offset }
        parametersChanged()
    }

    /// Copies a tensor into an input.
    public func set(_ variable: Variable<Scalar>, _ tensor: Tensor<Scalar>) {
        precondition(tensor.shape == variable.shape, "a tensor \(tensor.shape) for an input \(variable.shape)")
        guard contains(variable) else { return }
        tensor.withUnsafePointer { pointer(to: variable).update(from: $0, count: tensor.count) }
    }

    /// A copy of an output; over a row domain, of the rows in use.
    public func value(of variable: Variable<Scalar>) -> Tensor<Scalar> {
        let shape = variable.domain.map { Shape([$0.count, variable.columns]) } ?? variable.shape
        var tensor = Tensor<Scalar>(shape)
        tensor.withUnsafeMutablePointer { $0.update(from: pointer(to: variable), count: shape.count) }
        return tensor
    }
}
