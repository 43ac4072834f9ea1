import Kernels
import Tensor

/// Runs the stages of a program, one at a time, on a team of threads.
final class StageRunner<Scalar: KernelScalar>: TeamWork {
    /// What a thread needs for itself.
    private struct Workspace {
        let operands: UnsafeMutablePointer<Operand<Scalar>>
        let block: Buffer<Scalar>
    }

    private let stages: [ProgramStage<Scalar>]
    private let values: UnsafeMutablePointer<Operand<Scalar>>
    private let operandCapacity: Int
    private let blockCapacity: Int
    private var workspaces: [Workspace] = []

    // Of the stage that runs.
    private var stage = 0
    private var rows = 0
    private var blockRows = 0
    private var pieces = 0
    private var pass = 0

    init(stages: [ProgramStage<Scalar>], values: UnsafeMutablePointer<Operand<Scalar>>) {
        self.stages = stages
        self.values = values
        operandCapacity = stages.map(\.operands.count).max() ?? 0
        blockCapacity = stages.map { stage in
            guard case .blocks(let rows, let columns) = stage.form else { return 0 }
            return min(rows, max(values[stage.rowValue].rows, 1)) * columns
        }.max() ?? 0
        addWorkspace()
    }

    deinit { for workspace in workspaces { workspace.operands.deallocate() } }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func addWorkspace() {
        workspaces.append(
            Workspace(
                operands: .allocate(capacity: max(operandCapacity, 1)),
                block: Buffer(repeating: 0, count: blockCapacity)))
    }

    /// Runs a stage. Allocates only when the team has more threads than ever before.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func run(_ index: Int, on team: ThreadTeam) throws {
        while workspaces.count < team.count { addWorkspace() }
        stage = index
        switch stages[index].form {
        case .blocks(let planned, _):
            rows = values[stages[index].rowValue].rows
            // A few blocks for each thread, so that all have something to do until the end.
            let granule = ProgramStage<Scalar>.rowGranule
            let share = (rows / (3 * team.count) + granule - 1) / granule * granule
            blockRows = min(team.count == 1 ? planned : min(planned, max(share, granule)), max(rows, 1))
            try team.run((rows + blockRows - 1) / blockRows, self)
        case .pieces(let count, let passes):
            fillOperands(thread: 0, firstRow: 0, rows: 0)
            pieces = count
            for pass in 0..<passes {
                self.pass = pass
                try stages[index].steps[0].operation.prepare(pass: pass, inputs(0, thread: 0), output: output(0, thread: 0))
                try team.run(count, self)
            }
        case .whole:
            fillOperands(thread: 0, firstRow: 0, rows: 0)
            try stages[index].steps[0].operation.evaluate(inputs(0, thread: 0), into: output(0, thread: 0))
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func perform(_ part: Int, thread: Int) throws {
        guard case .blocks = stages[stage].form else {
            return try stages[stage].steps[0].operation.evaluate(
                piece: part, of: pieces, pass: pass, inputs(0, thread: 0), into: output(0, thread: 0))
        }
        let firstRow = part * blockRows
        fillOperands(thread: thread, firstRow: firstRow, rows: min(blockRows, rows - firstRow))
        for step in stages[stage].steps.indices {
            if let activation = stages[stage].steps[step].activation {
                apply(activation, step, thread: thread)
            } else {
                try stages[stage].steps[step].operation.evaluate(
                    inputs(step, thread: thread), into: output(step, thread: thread))
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func apply(_ activation: Activation, _ step: Int, thread: Int) {
        let step = stages[stage].steps[step]
        let input = workspaces[thread].operands + step.firstOperand
        var outputs = ActivationOutputs<Scalar>()
        for index in 0..<step.outputCount { outputs[step.orders[index]] = input[1 + index].pointer }
        applyActivation(outputs, input[0].pointer, activation, count: input[1].count)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func inputs(_ step: Int, thread: Int) -> UnsafeBufferPointer<Operand<Scalar>> {
        UnsafeBufferPointer(
            start: workspaces[thread].operands + stages[stage].steps[step].firstOperand,
            count: stages[stage].steps[step].inputCount)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func output(_ step: Int, thread: Int) -> Operand<Scalar> {
        workspaces[thread].operands[stages[stage].steps[step].firstOperand + stages[stage].steps[step].inputCount]
    }

    /// The stage's operands for a block of rows.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func fillOperands(thread: Int, firstRow: Int, rows: Int) {
        let operands = workspaces[thread].operands
        let block = workspaces[thread].block.pointer
        for index in stages[stage].operands.indices {
            let place = stages[stage].operands[index]
            var operand = values[place.value]
            if let column = place.blockColumn {
                operand.pointer = block + column * blockRows
            } else if place.isCut {
                operand.pointer += firstRow * operand.columns
            }
            if place.isCut {
                operand.firstRow = firstRow
                operand.rows = rows
            }
            (operands + index).initialize(to: operand)
        }
    }
}
