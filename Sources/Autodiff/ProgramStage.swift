import Kernels
import Tensor

/// A stage of a program, ready to run: its kernels and where their operands lie.
struct ProgramStage<Scalar: KernelScalar> {
    struct Step {
        let operation: any Operation<Scalar>
        /// The same, where the step has an epilogue.
        let product: (any RowProducing<Scalar>)?
        let epilogue: Schedule.Epilogue?
        /// Where the step's operands begin among the stage's: inputs, then outputs.
        let firstOperand: Int
        let inputCount: Int
        let outputCount: Int
        /// The function of a step that computes some of its derivatives at once, and the order of each output; -1 for
        /// the result that an epilogue keeps beside them.
        let activation: Activation?
        let orders: SIMD8<Int8>
    }

    struct OperandPlace {
        /// In the program's table.
        let value: Int
        /// The column of the block buffer at which it begins; nil for memory of its own.
        let blockColumn: Int?
        /// Whether a block's rows are meant, else the whole.
        let isCut: Bool
    }

    enum Form {
        case whole
        case pieces(Int, passes: Int)
        /// Rows of a block, and columns of its buffer.
        case blocks(rows: Int, columns: Int)
    }

    let steps: [Step]
    let operands: [OperandPlace]
    let form: Form
    let isPreparation: Bool
    /// The value whose rows are those of the stage.
    let rowValue: Int
    let ghosts: StageGhosts

    /// Blocks are multiples of this many rows, except at the end, so that they begin at cache lines.
    static var rowGranule: Int { 16 }

    init(
        _ stage: Schedule.Stage, tape: Tape<Scalar>, plan: MemoryPlan, blockColumns: Int, valueOfNode: [Int: Int],
        ghosts: StageGhosts, options: Program<Scalar>.Options
    ) {
        var operands: [OperandPlace] = []
        var columnsOfValue: [Int: Int] = [:]
        func append(_ id: Int, isCut: Bool) {
            guard let value = valueOfNode[id] else { preconditionFailure("node \(id) is not needed") }
            if case .block(let column)? = plan.places[id] {
                operands.append(OperandPlace(value: value, blockColumn: column, isCut: true))
            } else {
                operands.append(OperandPlace(value: value, blockColumn: nil, isCut: isCut))
                if isCut { columnsOfValue[value] = tape.nodes[id].shape.columns }
            }
        }
        var form = Form.whole
        steps = stage.steps.map { step in
            let node = tape.nodes[step.operation]
            guard case .operation(let operation) = node.kind else { preconditionFailure("a step without operation") }
            let first = operands.count
            for (index, input) in step.inputs.enumerated() {
                append(input, isCut: stage.isBlocked && !step.shared.contains(index))
            }
            for id in step.nodes { append(id, isCut: stage.isBlocked) }
            if case .pieces(let count) = operation.division(of: node.inputs.map { tape.nodes[$0].shape }) {
                form = .pieces(count, passes: operation.passes)
            }
            var orders = SIMD8<Int8>.zero
            for (index, id) in step.nodes.enumerated() {
                guard case .operation(let operation) = tape.nodes[id].kind,
                    let pointwise = operation as? Pointwise<Scalar> else { continue }
                orders[index] = Int8(pointwise.order)
            }
            if step.epilogue?.keepsResult == true { orders[0] = -1 }
            return Step(
                operation: operation, product: step.epilogue == nil ? nil : operation as? any RowProducing<Scalar>,
                epilogue: step.epilogue, firstOperand: first, inputCount: step.inputs.count,
                outputCount: step.nodes.count, activation: step.activation, orders: orders)
        }
        if stage.isBlocked {
            let columns = blockColumns + columnsOfValue.values.reduce(0, +)
            form = .blocks(
                rows: options.blockRows ?? ProgramStage.blockRows(columns: columns), columns: blockColumns)
        }
        self.operands = operands
        self.form = form
        isPreparation = stage.isPreparation
        rowValue = valueOfNode[stage.nodes[0]] ?? 0
        self.ghosts = ghosts
    }

    /// So many rows that a block's operands stay in the second cache.
    private static func blockRows(columns: Int) -> Int {
        // Weights of a convolution are read anew for each block, so blocks are rather large: 256 rows of 32 channels
        // measured better than 128 (2 %), 64 (8 %) and 32 (18 %).
        let rows = 512 * 1024 / (MemoryLayout<Scalar>.stride * max(columns, 1))
        return min(max(rows / 64 * 64, 64), 256)
    }
}
