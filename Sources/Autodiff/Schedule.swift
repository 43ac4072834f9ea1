import Kernels
import Tensor

/// In which order, and together with which others, the operations of a tape are computed.
///
/// Every operation is computed as early as its inputs allow. Operations divided by rows that need of one another
/// only the same row, over the same rows, form one stage, which is computed block by block of rows; so a stage ends
/// only where an operation needs whole results: a convolution's input, a sum over rows. Within a stage a product of rows
/// takes up what follows it (`absorbEpilogues`).
struct Schedule {
    /// One call of a kernel.
    struct Step {
        /// The results that it computes: one node's, the derivatives of one function at one input, or those of an epilogue.
        var nodes: [Int]
        /// What it reads.
        var inputs: [Int]
        /// The positions among the inputs of which it needs any row.
        var shared: Set<Int>
        /// The node whose operation is called.
        let operation: Int
        /// Their function, where the step is computed by `applyActivation`, or the epilogue ends with it.
        var activation: Activation?
        /// What becomes of the operation's result.
        var epilogue: Epilogue?
    }

    struct Stage {
        var steps: [Step]
        /// Whether it is computed block by block of rows; else it has one step.
        let isBlocked: Bool
        /// Whether it depends on nothing but parameters and constants.
        let isPreparation: Bool

        /// The results.
        var nodes: [Int] { steps.flatMap(\.nodes) }
    }

    /// What operations must have in common to share a stage.
    private struct Key: Hashable {
        let level: Int
        let rows: Int
        let domain: ObjectIdentifier?
        let isPreparation: Bool
    }

    /// The nodes that the outputs depend on and that have memory, in the order of the tape.
    let needed: [Int]
    /// Preparations first.
    let stages: [Stage]
    /// Operations that the outputs depend on.
    let operationCount: Int

    /// - Parameter fusing: whether operations share stages; without it each has its own, for comparison.
    init<Scalar: KernelScalar>(tape: Tape<Scalar>, outputs: [Int], fusing: Bool) {
        var isNeeded = [Bool](repeating: false, count: tape.nodes.count)
        for output in outputs { isNeeded[output] = true }
        for id in stride(from: tape.nodes.count - 1, through: 0, by: -1) where isNeeded[id] {
            for input in tape.nodes[id].inputs { isNeeded[input] = true }
        }
        let needed = isNeeded.indices.filter { isNeeded[$0] }
        operationCount = needed.count { if case .operation = tape.nodes[$0].kind { true } else { false } }

        var levels = [Int](repeating: 0, count: tape.nodes.count)
        var isPreparation = [Bool](repeating: false, count: tape.nodes.count)
        var keys: [Int: Key] = [:]
        var order: [(isPreparation: Bool, level: Int, stage: Stage)] = []
        var stageOfKey: [Key: Int] = [:]
        for id in needed {
            let node = tape.nodes[id]
            guard case .operation(let operation) = node.kind else {
                // What spans a row domain depends on its count.
                if case .input = node.kind {} else { isPreparation[id] = node.domain == nil }
                continue
            }
            isPreparation[id] = node.domain == nil && node.inputs.allSatisfy { isPreparation[$0] }
            let shared = Schedule.sharedInputs(of: operation, node, in: tape)
            let domain = node.domain.map { ObjectIdentifier($0) }
            func key(_ level: Int) -> Key {
                Key(level: level, rows: node.shape.rows, domain: domain, isPreparation: isPreparation[id])
            }
            for (index, input) in node.inputs.enumerated() {
                let sharesRow = fusing && shared.map { !$0.contains(index) } ?? false
                    && keys[input] != nil && keys[input] == key(levels[input])
                let isComputed = if case .operation = tape.nodes[input].kind { true } else { false }
                levels[id] = max(levels[id], isComputed && !sharesRow ? levels[input] + 1 : levels[input])
            }
            let ownKey = key(levels[id])
            if shared != nil {
                keys[id] = ownKey
                if fusing, let stage = stageOfKey[ownKey] {
                    order[stage].stage.append(id, operation, node.inputs, in: tape)
                    continue
                }
                stageOfKey[ownKey] = order.count
            }
            var stage = Stage(steps: [], isBlocked: shared != nil, isPreparation: isPreparation[id])
            stage.append(id, operation, node.inputs, in: tape)
            order.append((isPreparation[id], levels[id], stage))
        }
        let sorted = order.indices.sorted {
            let (a, b) = (order[$0], order[$1])
            return (a.isPreparation ? 0 : 1, a.level, $0) < (b.isPreparation ? 0 : 1, b.level, $1)
        }
        var stages = sorted.map { order[$0].stage }
        guard fusing else {
            (self.needed, self.stages) = (needed, stages)
            return
        }
        var readers: [Int: [Int]] = [:]
        for id in needed {
            for input in tape.nodes[id].inputs { readers[input, default: []].append(id) }
        }
        var absorbed = Set<Int>()
        for index in stages.indices where stages[index].isBlocked {
            stages[index].absorbEpilogues(tape, readers, outputs: Set(outputs), absorbed: &absorbed)
        }
        self.needed = needed.filter { !absorbed.contains($0) }
        self.stages = stages
    }

    /// The inputs of which an operation divided by rows needs any row; nil for other operations.
    static func sharedInputs<Scalar: KernelScalar>(
        of operation: any Operation<Scalar>, _ node: Tape<Scalar>.Node, in tape: Tape<Scalar>
    ) -> Set<Int>? {
        let shapes = node.inputs.map { tape.nodes[$0].shape }
        guard case .rows(let shared) = operation.division(of: shapes) else { return nil }
        precondition(
            shapes.indices.allSatisfy { shared.contains($0) || shapes[$0].rows == node.shape.rows },
            "\(operation) of \(shapes) by rows")
        return shared
    }
}

extension Schedule.Stage {
    /// Adds a node as a step of its own, or to the step that computes the same function at the same input.
    fileprivate mutating func append<Scalar: KernelScalar>(
        _ id: Int, _ operation: any Operation<Scalar>, _ inputs: [Int], in tape: Tape<Scalar>
    ) {
        let activation = (operation as? Pointwise<Scalar>)?.function
        if let activation, let index = steps.firstIndex(where: {
            $0.activation == activation && tape.nodes[$0.nodes[0]].inputs == inputs
        }) {
            steps[index].nodes.append(id)
        } else {
            let shared = isBlocked ? Schedule.sharedInputs(of: operation, tape.nodes[id], in: tape) ?? [] : []
            steps.append(
                Schedule.Step(nodes: [id], inputs: inputs, shared: shared, operation: id, activation: activation))
        }
    }
}
