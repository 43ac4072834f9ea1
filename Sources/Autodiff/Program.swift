import Kernels
import Tensor

/// A recorded computation with all of its memory planned: it computes chosen outputs again and again and allocates
/// nothing while it does.
///
/// Operations that no output needs are left out. Intermediate results share one arena by their lifetimes; inputs,
/// constants and outputs have memory of their own; parameters are read where their arena is.
public final class Program<Scalar: KernelScalar> {
    struct Instruction {
        let operation: any Operation<Scalar>
        /// Where this instruction's inputs begin in the operand table, and how many they are.
        let firstInput: Int
        let inputCount: Int
        /// Its output's place in the operand table.
        let output: Int
    }

    private let instructions: [Instruction]
    private let operands: UnsafeMutablePointer<Operand<Scalar>>
    private let operandCount: Int
    /// The operands whose row count is set anew at each run.
    private let domains: [(operand: Int, domain: RowDomain)]
    private let parameterOperands: [(operand: Int, offset: Int)]
    /// For each tape node, the operands that refer to it, first of all its own.
    private let operandsOfNode: [Int: [Int]]
    private let completion: [Int: Int]
    private let arena: Buffer<Scalar>
    private let pinned: [Buffer<Scalar>]

    /// Elements of the arena that intermediate results share.
    public var arenaCount: Int { arena.count }
    public var instructionCount: Int { instructions.count }

    /// Plans the computation of `outputs`.
    ///
    /// - Parameter parameters: the parameter arena, which must stay where it is while the program lives (it can be
    ///   changed with `bind(parameters:)`); nil if the tape has no parameters.
    public init(computing outputs: [Variable<Scalar>], parameters: UnsafeMutablePointer<Scalar>? = nil) {
        precondition(!outputs.isEmpty, "a program without outputs")
        let tape = outputs[0].tape
        let plan = MemoryPlan(tape: tape, outputs: outputs.map(\.id))
        let arena = Buffer<Scalar>(repeating: 0, count: plan.arenaCount)
        var pinned: [Buffer<Scalar>] = []
        var pointers: [Int: UnsafeMutablePointer<Scalar>] = [:]
        for id in plan.needed {
            let node = tape.nodes[id]
            switch plan.places[id] {
            case .arena(let offset)?: pointers[id] = arena.pointer + offset
            case .pinned?:
                var fill: Scalar = 0
                if case .constant(let value) = node.kind { fill = value }
                let buffer = Buffer<Scalar>(repeating: fill, count: node.shape.count)
                pinned.append(buffer)
                pointers[id] = buffer.pointer
            case .parameter(let offset)?:
                precondition(parameters != nil, "a program with parameters needs their arena")
                pointers[id] = parameters! + offset
            case nil: preconditionFailure("node \(id) has no place")
            }
        }

        var table: [(id: Int, operand: Operand<Scalar>)] = []
        func append(_ id: Int) -> Int {
            let shape = tape.nodes[id].shape
            table.append((id, Operand(pointer: pointers[id]!, shape: shape, rows: shape.rows, columns: shape.columns)))
            return table.count - 1
        }
        var instructions: [Instruction] = []
        var completion: [Int: Int] = [:]
        for id in plan.needed {
            guard case .operation(let operation) = tape.nodes[id].kind else {
                _ = append(id)
                continue
            }
            let output = append(id)
            let firstInput = table.count
            for input in tape.nodes[id].inputs { _ = append(input) }
            completion[id] = instructions.count
            instructions.append(
                Instruction(
                    operation: operation, firstInput: firstInput, inputCount: tape.nodes[id].inputs.count,
                    output: output))
        }

        operandCount = table.count
        operands = .allocate(capacity: table.count)
        for (index, entry) in table.enumerated() { (operands + index).initialize(to: entry.operand) }
        domains = table.enumerated().compactMap { index, entry in tape.nodes[entry.id].domain.map { (index, $0) } }
        parameterOperands = table.enumerated().compactMap { index, entry in
            if case .parameter(let offset) = tape.nodes[entry.id].kind { (index, offset) } else { nil }
        }
        operandsOfNode = Dictionary(grouping: table.indices, by: { table[$0].id })
        self.instructions = instructions
        self.completion = completion
        self.arena = arena
        self.pinned = pinned
    }

    deinit {
        operands.deinitialize(count: operandCount)
        operands.deallocate()
    }

    /// Computes the outputs from the inputs and parameters as they are now.
    ///
    /// - Throws: what communication inside an operation throws; collective if an operation of the tape is.
    public func run() throws { try run { _ in } }

    /// Computes the outputs and tells after each instruction its index, so that a result can be sent on its way
    /// while the rest is computed (see `completionIndex`).
    public func run(afterInstruction: (Int) throws -> Void) throws {
        for (operand, domain) in domains { operands[operand].rows = domain.count }
        for index in instructions.indices {
            let instruction = instructions[index]
            try instruction.operation.evaluate(
                UnsafeBufferPointer(start: operands + instruction.firstInput, count: instruction.inputCount),
                into: operands[instruction.output])
            try afterInstruction(index)
        }
    }

    /// The index of the instruction that completes `output`; -1 for what needs no computation.
    public func completionIndex(of output: Variable<Scalar>) -> Int { completion[output.id] ?? -1 }

    /// The memory of an input or output (or of an intermediate result, valid only until its memory is reused).
    public func pointer(to variable: Variable<Scalar>) -> UnsafeMutablePointer<Scalar> {
        guard let place = operandsOfNode[variable.id]?.first else {
            preconditionFailure("variable of shape \(variable.shape) is not part of the program")
        }
        return operands[place].pointer
    }

    /// Whether the program reads `variable` at all.
    public func contains(_ variable: Variable<Scalar>) -> Bool { operandsOfNode[variable.id] != nil }

    /// Lets the program read an input from, or write an output to, memory of the caller's instead of its own.
    ///
    /// The memory holds `shape.count` elements with `BufferPool.readableMargin` readable bytes behind them.
    public func bind(_ variable: Variable<Scalar>, to pointer: UnsafeMutablePointer<Scalar>) {
        for place in operandsOfNode[variable.id] ?? [] { operands[place].pointer = pointer }
    }

    /// Reads parameters from another arena from now on.
    public func bind(parameters: UnsafeMutablePointer<Scalar>) {
        for (operand, offset) in parameterOperands { operands[operand].pointer = parameters + offset }
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
