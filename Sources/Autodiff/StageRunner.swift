import Kernels
import Tensor

/// Runs the stages of a program, one at a time, on a team of threads.
final class StageRunner<Scalar: KernelScalar>: TeamWork {
    /// What a thread needs for itself.
    private struct Workspace {
        let operands: UnsafeMutablePointer<Operand<Scalar>>
        let block: Buffer<Scalar>
    }

    /// A stage's part of the tables below, which are flat so that running a stage counts no references.
    private struct Entry {
        let form: ProgramStage<Scalar>.Form
        let rowValue: Int
        let firstStep, stepCount, firstOperand, operandCount: Int
        let communicates: Bool
    }

    private let entries: UnsafeMutableBufferPointer<Entry>
    private let steps: UnsafeMutableBufferPointer<ProgramStage<Scalar>.Step>
    private let places: UnsafeMutableBufferPointer<ProgramStage<Scalar>.OperandPlace>
    private let ghosts: UnsafeMutableBufferPointer<StageGhosts>
    private let values: UnsafeMutablePointer<Operand<Scalar>>
    private let operandCapacity: Int
    private let blockCapacity: Int
    private var workspaces: [Workspace] = []

    // Of the stage that runs.
    private var stage = 0
    private var firstRow = 0
    private var rows = 0
    private var blockRows = 0
    private var pieces = 0
    private var pass = 0

    init(stages: [ProgramStage<Scalar>], values: UnsafeMutablePointer<Operand<Scalar>>) {
        self.values = values
        var firstStep = 0, firstOperand = 0
        entries = Self.table(stages.map { stage in
            defer { (firstStep, firstOperand) = (firstStep + stage.steps.count, firstOperand + stage.operands.count) }
            return Entry(
                form: stage.form, rowValue: stage.rowValue, firstStep: firstStep, stepCount: stage.steps.count,
                firstOperand: firstOperand, operandCount: stage.operands.count,
                communicates: stage.ghosts.communicates)
        })
        steps = Self.table(stages.flatMap(\.steps))
        places = Self.table(stages.flatMap(\.operands))
        ghosts = Self.table(stages.map(\.ghosts))
        operandCapacity = stages.map(\.operands.count).max() ?? 0
        blockCapacity = stages.map { stage in
            guard case .blocks(let rows, let columns) = stage.form else { return 0 }
            return min(rows, max(values[stage.rowValue].rows, 1)) * columns
        }.max() ?? 0
        addWorkspace()
    }

    deinit {
        for workspace in workspaces { workspace.operands.deallocate() }
        entries.deinitialize()
        steps.deinitialize()
        places.deinitialize()
        ghosts.deinitialize()
        entries.deallocate()
        steps.deallocate()
        places.deallocate()
        ghosts.deallocate()
    }

    private static func table<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let table = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = table.initialize(from: elements)
        return table
    }

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
        guard entries[index].communicates else { return try run(rows: 0..<rowCount(index), on: team) }
        if case .blocks = entries[index].form {
            let parts = ghosts[index].parts(of: rowCount(index), granule: ProgramStage<Scalar>.rowGranule)
            try run(rows: parts.first, on: team)
            try ghosts[index].finish(values)
            try run(rows: parts.border, on: team)
            try ghosts[index].start(values)
            try run(rows: parts.last, on: team)
        } else {
            try ghosts[index].finish(values)
            try run(rows: 0..<rowCount(index), on: team)
            try ghosts[index].start(values)
        }
    }

    private func rowCount(_ index: Int) -> Int { values[entries[index].rowValue].rows }

    /// Runs the stage for some of its rows, which are all if it is not computed by blocks.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func run(rows range: Range<Int>, on team: ThreadTeam) throws {
        let index = stage
        switch entries[index].form {
        case .blocks(let planned, _):
            guard !range.isEmpty else { return }
            let rows = range.count
            (firstRow, self.rows) = (range.lowerBound, rows)
            // A few blocks for each thread, so that all have something to do until the end.
            let granule = ProgramStage<Scalar>.rowGranule
            let share = (rows / (3 * team.count) + granule - 1) / granule * granule
            let most = team.count == 1 ? planned : min(planned, max(share, granule))
            blockRows = min(most, rows)
            try team.run((rows + blockRows - 1) / blockRows, self)
        case .pieces(let count, let passes):
            let operands = fillOperands(entries[index], workspaces[0], firstRow: 0, rows: 0)
            let step = entries[index].firstStep
            pieces = count
            for pass in 0..<passes {
                self.pass = pass
                try steps[step].operation.prepare(
                    pass: pass, inputs(step, operands), output: output(step, operands))
                try team.run(count, self)
            }
        case .whole:
            let operands = fillOperands(entries[index], workspaces[0], firstRow: 0, rows: 0)
            let step = entries[index].firstStep
            try steps[step].operation.evaluate(inputs(step, operands), into: output(step, operands))
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func perform(_ part: Int, thread: Int) throws {
        let entry = entries[stage]
        guard case .blocks = entry.form else {
            let (step, operands) = (entry.firstStep, workspaces[0].operands)
            return try steps[step].operation.evaluate(
                piece: part, of: pieces, pass: pass, inputs(step, operands), into: output(step, operands))
        }
        let place = part * blockRows
        let operands = fillOperands(
            entry, workspaces[thread], firstRow: firstRow + place, rows: min(blockRows, rows - place))
        for step in entry.firstStep..<(entry.firstStep + entry.stepCount) {
            if let product = steps[step].product {
                try product.evaluate(
                    inputs(step, operands), into: output(step, operands), epilogue: epilogue(step, operands))
            } else if let activation = steps[step].activation {
                apply(activation, step, operands)
            } else {
                try steps[step].operation.evaluate(inputs(step, operands), into: output(step, operands))
            }
        }
    }

    @inline(__always)
    private func apply(_ activation: Activation, _ step: Int, _ operands: UnsafeMutablePointer<Operand<Scalar>>) {
        let input = operands + steps[step].firstOperand
        let orders = steps[step].orders
        var outputs = ActivationOutputs<Scalar>()
        for index in 0..<steps[step].outputCount { outputs[Int(orders[index])] = input[1 + index].pointer }
        applyActivation(outputs, input[0].pointer, activation, count: input[1].count)
    }

    @inline(__always)
    private func epilogue(
        _ step: Int, _ operands: UnsafeMutablePointer<Operand<Scalar>>
    ) -> RowEpilogue<Scalar> {
        let inputs = operands + steps[step].firstOperand
        let (places, orders) = (steps[step].epilogue, steps[step].orders)
        var epilogue = RowEpilogue<Scalar>()
        epilogue.bias = places?.bias.map { UnsafePointer(inputs[$0].pointer) }
        epilogue.factor = places?.factor.map { UnsafePointer(inputs[$0].pointer) }
        epilogue.addend = places?.addend.map { UnsafePointer(inputs[$0].pointer) }
        epilogue.activation = steps[step].activation
        for index in 0..<steps[step].outputCount {
            let pointer = inputs[steps[step].inputCount + index].pointer
            if orders[index] < 0 { epilogue.result = pointer } else { epilogue.outputs[Int(orders[index])] = pointer }
        }
        return epilogue
    }

    @inline(__always)
    private func inputs(
        _ step: Int, _ operands: UnsafeMutablePointer<Operand<Scalar>>
    ) -> UnsafeBufferPointer<Operand<Scalar>> {
        UnsafeBufferPointer(start: operands + steps[step].firstOperand, count: steps[step].inputCount)
    }

    @inline(__always)
    private func output(_ step: Int, _ operands: UnsafeMutablePointer<Operand<Scalar>>) -> Operand<Scalar> {
        operands[steps[step].firstOperand + steps[step].inputCount]
    }

    /// The stage's operands for a block of rows.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func fillOperands(
        _ entry: Entry, _ workspace: Workspace, firstRow: Int, rows: Int
    ) -> UnsafeMutablePointer<Operand<Scalar>> {
        let operands = workspace.operands
        let block = workspace.block.pointer
        let blockRows = blockRows
        for index in 0..<entry.operandCount {
            let place = places[entry.firstOperand + index]
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
        return operands
    }
}
