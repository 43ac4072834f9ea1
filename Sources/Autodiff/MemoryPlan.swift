import Kernels
import Tensor

/// Where each node of a computation keeps its elements.
struct MemoryPlan {
    enum Place: Equatable {
        /// Shared memory, from this offset.
        case arena(Int)
        /// Memory of its own: inputs, constants, outputs and what is prepared from parameters.
        case pinned
        case parameter(Int)
        /// In the buffer of a block of rows, behind this many columns of it; nobody reads it in another stage.
        case block(column: Int)
    }

    private(set) var places: [Int: Place] = [:]
    private(set) var arenaCount = 0
    /// For each stage, the columns of its block buffer.
    private(set) var blockColumns: [Int] = []

    /// Arena offsets are multiples of this many elements, so that every result is aligned for any scalar.
    private static let granule = 16

    init<Scalar: KernelScalar>(tape: Tape<Scalar>, schedule: Schedule, outputs: [Int]) {
        var lastStage: [Int: Int] = [:]
        var isReadElsewhere = Set<Int>()
        for (index, stage) in schedule.stages.enumerated() {
            let members = Set(stage.nodes)
            for input in stage.steps.flatMap(\.inputs) {
                lastStage[input] = index
                if !members.contains(input) { isReadElsewhere.insert(input) }
            }
        }
        for id in schedule.needed {
            switch tape.nodes[id].kind {
            case .parameter(let offset): places[id] = .parameter(offset)
            case .input, .constant: places[id] = .pinned
            case .operation: break
            }
        }
        let pinned = Set(outputs)
        var free = FreeList()
        for (index, stage) in schedule.stages.enumerated() {
            let usage = StageUsage(stage)
            var dying = Set(usage.reads.keys.filter { lastStage[$0] == index })
            var block = FreeList()
            for (position, step) in stage.steps.enumerated() {
                for id in step.nodes {
                    if pinned.contains(id) || (stage.isPreparation && isReadElsewhere.contains(id)) {
                        places[id] = .pinned
                    } else if stage.isBlocked && !isReadElsewhere.contains(id) {
                        places[id] = .block(column: columnInBlock(id, position, step, usage, tape, &block))
                    } else if let source = dying.sorted().first(where: { canTakeOver($0, id, step, position, usage, tape) }),
                        case .arena(let offset)? = places[source] {
                        places[id] = .arena(offset)
                        dying.remove(source)
                    } else {
                        places[id] = .arena(free.allocate(MemoryPlan.size(tape.nodes[id].shape)))
                    }
                }
                // Not before all of the step's results have their places.
                for input in usage.lastReads[position] ?? [] {
                    if case .block(let column)? = places[input], !usage.takenOver.contains(input) {
                        block.release(column, tape.nodes[input].shape.columns)
                    }
                }
            }
            // Rows that one block is done with lie beside rows that another still reads, so nothing is released
            // before the stage ends.
            for input in dying.sorted() {
                if case .arena(let offset)? = places[input] {
                    free.release(offset, MemoryPlan.size(tape.nodes[input].shape))
                }
            }
            blockColumns.append(block.end)
        }
        arenaCount = free.end
    }

    /// Room in the block buffer: that of the input that dies with this step, if the operation can work in place.
    private func columnInBlock<Scalar: KernelScalar>(
        _ id: Int, _ position: Int, _ step: Schedule.Step, _ usage: StageUsage, _ tape: Tape<Scalar>,
        _ block: inout FreeList
    ) -> Int {
        let node = tape.nodes[id]
        if step.nodes[0] == id, let source = usage.inPlaceSource(of: step, tape), case .block(let column)? = places[source],
            usage.reads[source]?.last == position, tape.nodes[source].shape.columns == node.shape.columns {
            usage.takenOver.insert(source)
            return column
        }
        return block.allocate(node.shape.columns)
    }

    /// Whether a result may be written over an array that this stage is the last to read, in the same rows.
    private func canTakeOver<Scalar: KernelScalar>(
        _ source: Int, _ id: Int, _ step: Schedule.Step, _ position: Int, _ usage: StageUsage, _ tape: Tape<Scalar>
    ) -> Bool {
        guard case .arena? = places[source], let reads = usage.reads[source], let last = reads.last,
            tape.nodes[source].shape == tape.nodes[id].shape, tape.nodes[source].domain === tape.nodes[id].domain,
            !usage.shared.contains(source) else { return false }
        if usage.isBlocked && last < position { return true }
        return last == position && usage.inPlaceSource(of: step, tape) == source
    }

    private static func size(_ shape: Shape) -> Int { (max(shape.count, 1) + granule - 1) / granule * granule }
}

/// Who reads what within a stage.
private final class StageUsage {
    let isBlocked: Bool
    /// The steps that read a node, ascending.
    private(set) var reads: [Int: [Int]] = [:]
    /// The nodes that a step is the last to read.
    private(set) var lastReads: [Int: [Int]] = [:]
    /// Inputs of which any row may be read for any row of a result.
    private(set) var shared = Set<Int>()
    /// Nodes whose room in the block buffer went to another.
    var takenOver = Set<Int>()

    init(_ stage: Schedule.Stage) {
        isBlocked = stage.isBlocked
        for (position, step) in stage.steps.enumerated() {
            for (index, input) in step.inputs.enumerated() {
                if reads[input]?.last != position { reads[input, default: []].append(position) }
                if step.shared.contains(index) { shared.insert(input) }
            }
        }
        for (input, positions) in reads { lastReads[positions.last ?? 0, default: []].append(input) }
        for position in lastReads.keys { lastReads[position]?.sort() }
    }

    /// The input that a step can overwrite with its result. An epilogue begins with sums where its results go, so it
    /// cannot.
    func inPlaceSource<Scalar: KernelScalar>(of step: Schedule.Step, _ tape: Tape<Scalar>) -> Int? {
        guard step.epilogue == nil, case .operation(let operation) = tape.nodes[step.operation].kind,
            let index = operation.inPlaceInput else { return nil }
        let source = step.inputs[index]
        // Another input of the same memory would be overwritten while it is read.
        return step.inputs.indices.allSatisfy { $0 == index || step.inputs[$0] != source } ? source : nil
    }
}

/// Free stretches of memory that grows at its end; best fit.
private struct FreeList {
    private var stretches: [(offset: Int, count: Int)] = []
    private(set) var end = 0

    mutating func allocate(_ count: Int) -> Int {
        let fitting = stretches.indices.filter { stretches[$0].count >= count }
        if let best = fitting.min(by: { stretches[$0].count < stretches[$1].count }) {
            let offset = stretches[best].offset
            stretches[best].offset += count
            stretches[best].count -= count
            if stretches[best].count == 0 { stretches.remove(at: best) }
            return offset
        }
        if let last = stretches.last, last.offset + last.count == end {
            stretches.removeLast()
            end = last.offset + count
            return last.offset
        }
        defer { end += count }
        return end
    }

    mutating func release(_ offset: Int, _ count: Int) {
        let index = stretches.firstIndex { $0.offset > offset } ?? stretches.count
        stretches.insert((offset, count), at: index)
        // Merge with the stretch behind, then with the one before.
        if index + 1 < stretches.count, stretches[index].offset + stretches[index].count == stretches[index + 1].offset {
            stretches[index].count += stretches[index + 1].count
            stretches.remove(at: index + 1)
        }
        if index > 0, stretches[index - 1].offset + stretches[index - 1].count == stretches[index].offset {
            stretches[index - 1].count += stretches[index].count
            stretches.remove(at: index)
        }
    }
}
