import Kernels

extension Schedule {
    /// t = (result of the operation + bias) factor + addend, and functions of t; positions among the step's inputs.
    struct Epilogue {
        var bias, factor, addend: Int?
        /// Whether the step's first node is t itself, beside functions of it.
        var keepsResult = false
    }
}

extension Schedule.Stage {
    /// Lets products of rows take up what follows them: additions, a multiplication and functions that would read their
    /// results at once.
    ///
    /// - Parameters:
    ///   - readers: the needed nodes that read a node, once for each time they do.
    ///   - absorbed: nodes that no longer have memory of their own are added.
    mutating func absorbEpilogues<Scalar: KernelScalar>(
        _ tape: Tape<Scalar>, _ readers: [Int: [Int]], outputs: Set<Int>, absorbed: inout Set<Int>
    ) {
        let members = Set(nodes)
        var remaining: [Schedule.Step?] = steps
        var positions: [Int: Int] = [:]
        for (position, step) in steps.enumerated() { for id in step.nodes { positions[id] = position } }

        // Nodes that a chain goes through or ends at.
        var taken = Set<Int>()
        for (position, step) in steps.enumerated() {
            guard case .operation(let operation) = tape.nodes[step.operation].kind, operation is any RowProducing<Scalar>
            else { continue }
            var fused = step
            var epilogue = Schedule.Epilogue()
            var end = step.operation
            var dropped: [Int] = []
            func append(_ input: Int) -> Int {
                fused.inputs.append(input)
                return fused.inputs.count - 1
            }
            while !outputs.contains(end), let next = readers[end], next.count == 1, members.contains(next[0]),
                !taken.contains(next[0]), case .operation(let operation) = tape.nodes[next[0]].kind {
                let inputs = tape.nodes[next[0]].inputs
                let isFirst = inputs[0] == end
                if operation is RowAddition<Scalar>, isFirst, epilogue.bias == nil, epilogue.factor == nil,
                    epilogue.addend == nil {
                    let bias = append(inputs[1])
                    epilogue.bias = bias
                    fused.shared.insert(bias)
                } else if operation is Multiplication<Scalar>, epilogue.factor == nil, epilogue.addend == nil {
                    epilogue.factor = append(inputs[isFirst ? 1 : 0])
                } else if operation is Addition<Scalar>, epilogue.addend == nil {
                    epilogue.addend = append(inputs[isFirst ? 1 : 0])
                } else {
                    break
                }
                dropped.append(end)
                end = next[0]
            }
            let functions = (readers[end] ?? []).filter { id in
                positions[id].flatMap { steps[$0].activation } != nil && tape.nodes[id].inputs == [end]
            }
            let first = functions.first.flatMap { positions[$0] }
            guard first != nil || !dropped.isEmpty else { continue }
            fused.nodes = [end]
            if let first {
                // Functions of one kind are one step; others read the result.
                fused.activation = steps[first].activation
                remaining[first] = nil
                let group = steps[first].nodes
                epilogue.keepsResult = outputs.contains(end) || (readers[end] ?? []).contains { !group.contains($0) }
                fused.nodes = (epilogue.keepsResult ? [end] : []) + group
                if !epilogue.keepsResult { dropped.append(end) }
            }
            fused.epilogue = epilogue
            absorbed.formUnion(dropped)
            taken.formUnion(dropped + [end])
            // Where the chain ends all that it reads is there.
            remaining[position] = nil
            for id in dropped { positions[id].map { remaining[$0] = nil } }
            positions[end].map { remaining[$0] = fused }
        }
        steps = remaining.compactMap { $0 }
    }
}
