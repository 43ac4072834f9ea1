import Kernels
import Tensor

/// Where each node of a computation keeps its elements.
struct MemoryPlan {
    enum Place: Equatable {
        /// Shared memory, from this offset.
        case arena(Int)
        /// Memory of its own: inputs, constants and outputs.
        case pinned
        case parameter(Int)
    }

    /// The nodes that the outputs depend on, in the order of computation.
    let needed: [Int]
    private(set) var places: [Int: Place] = [:]
    private(set) var arenaCount = 0

    /// Arena offsets are multiples of this many elements, so that every result is aligned for any scalar.
    private static let granule = 16

    init<Scalar: KernelScalar>(tape: Tape<Scalar>, outputs: [Int]) {
        var isNeeded = [Bool](repeating: false, count: tape.nodes.count)
        for output in outputs { isNeeded[output] = true }
        for id in stride(from: tape.nodes.count - 1, through: 0, by: -1) where isNeeded[id] {
            for input in tape.nodes[id].inputs { isNeeded[input] = true }
        }
        needed = isNeeded.indices.filter { isNeeded[$0] }

        var lastUse: [Int: Int] = [:]
        for id in needed { for input in tape.nodes[id].inputs { lastUse[input] = id } }
        let pinned = Set(outputs)
        var free = FreeList()
        for id in needed {
            let node = tape.nodes[id]
            switch node.kind {
            case .parameter(let offset):
                places[id] = .parameter(offset)
                continue
            case .input, .constant:
                places[id] = .pinned
                continue
            case .operation(let operation):
                let inputs = node.inputs
                if pinned.contains(id) {
                    places[id] = .pinned
                } else if let index = operation.inPlaceInput, case let source = inputs[index],
                    case .arena(let offset)? = places[source], lastUse[source] == id,
                    tape.nodes[source].shape == node.shape,
                    // Another input of the same memory would be overwritten while it is read.
                    inputs.indices.allSatisfy({ $0 == index || inputs[$0] != source }) {
                    places[id] = .arena(offset)
                    // The memory lives on under the new name.
                    lastUse[source] = nil
                } else {
                    places[id] = .arena(free.allocate(MemoryPlan.size(node.shape)))
                }
                for input in Set(inputs) where lastUse[input] == id {
                    if case .arena(let offset)? = places[input], !pinned.contains(input) {
                        free.release(offset, MemoryPlan.size(tape.nodes[input].shape))
                    }
                }
            }
        }
        arenaCount = free.end
    }

    private static func size(_ shape: Shape) -> Int { (max(shape.count, 1) + granule - 1) / granule * granule }
}

/// Free stretches of an arena that grows at its end; best fit.
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
