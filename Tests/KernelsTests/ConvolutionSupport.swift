import Foundation

@testable import Kernels

/// Memory between two unreadable pages: a kernel that reads or writes beyond it ends the test program.
final class GuardedMemory<T: KernelScalar> {
    let pointer: UnsafeMutablePointer<T>
    let count: Int
    private let base: UnsafeMutableRawPointer
    private let length: Int

    enum Edge { case start, end }

    /// `count` scalars that begin right after the lower page, or end right before the upper one.
    init(_ count: Int, touching edge: Edge) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let bytes = count * MemoryLayout<T>.stride
        let inner = (bytes + page - 1) / page * page
        length = inner + 2 * page
        base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(base != MAP_FAILED, "no memory for a test")
        precondition(mprotect(base, page, PROT_NONE) == 0 && mprotect(base + page + inner, page, PROT_NONE) == 0)
        let start = edge == .start ? base + page : base + page + inner - bytes
        pointer = start.bindMemory(to: T.self, capacity: count)
        self.count = count
    }

    deinit { munmap(base, length) }

    /// Fills with numbers in (-1, 1) that depend on `seed`.
    func fill(seed: UInt64) -> Self {
        var random = SplitMix(state: seed)
        for index in 0..<count { pointer[index] = random.scalar() }
        return self
    }

    var values: [T] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
}

/// Steele, Lea and Flood's SplitMix64: a seeded generator for test data.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func scalar<T: KernelScalar>() -> T { T(Int64(bitPattern: next()) >> 11) / T(1 << 52) }
}

/// All fields of a convolution, in guarded memory.
struct ConvolutionCase<T: KernelScalar> {
    let geometry: ConvolutionGeometry
    /// Padded input and padded output gradient, halo and all filled with numbers.
    let x, dy: GuardedMemory<T>
    let weights, bias, packed, adjoint, workspace: GuardedMemory<T>
    let edge: GuardedMemory<T>.Edge

    init(_ geometry: ConvolutionGeometry, touching edge: GuardedMemory<T>.Edge = .end, seed: UInt64 = 1) {
        self.geometry = geometry
        self.edge = edge
        x = GuardedMemory<T>(Self.padded(geometry.inputExtents, geometry) * geometry.inputChannels, touching: edge)
            .fill(seed: seed)
        dy = GuardedMemory<T>(Self.padded(geometry.outputExtents, geometry) * geometry.outputChannels, touching: edge)
            .fill(seed: seed + 1)
        weights = GuardedMemory<T>(geometry.weightCount, touching: edge).fill(seed: seed + 2)
        bias = GuardedMemory<T>(geometry.outputChannels, touching: edge).fill(seed: seed + 3)
        packed = GuardedMemory(packedConvolutionWeightCount(T.self, geometry), touching: edge)
        adjoint = GuardedMemory(packedConvolutionAdjointWeightCount(T.self, geometry), touching: edge)
        workspace = GuardedMemory(convolutionBackwardWeightsWorkspaceCount(T.self, geometry), touching: edge)
        packConvolutionWeights(packed.pointer, weights.pointer, bias: bias.pointer, geometry)
        packConvolutionAdjointWeights(adjoint.pointer, weights.pointer, geometry)
    }

    private static func padded(_ extents: CellExtents, _ geometry: ConvolutionGeometry) -> Int {
        let p = 2 * geometry.padding
        return (extents.z + p) * (extents.y + p) * (extents.x + p)
    }

    /// The first owned cell of `dy`, which is not padded where the weight gradient reads it.
    var ownedGradient: UnsafeMutablePointer<T> {
        let p = geometry.padding
        return dy.pointer + geometry.paddedOutputStrides.offset(p, p, p)
    }

    func output() -> GuardedMemory<T> {
        GuardedMemory<T>(geometry.outputExtents.count * geometry.outputChannels, touching: edge).fill(seed: 90)
    }

    func inputGradient() -> GuardedMemory<T> {
        GuardedMemory<T>(geometry.inputExtents.count * geometry.inputChannels, touching: edge).fill(seed: 91)
    }

    func forward(_ y: GuardedMemory<T>, box: CellBox? = nil, accumulate: Bool = false) {
        convolutionForward(y.pointer, geometry.outputStrides, x.pointer, geometry.paddedInputStrides,
                           packed: packed.pointer, geometry, box: box ?? geometry.outputBox, accumulate: accumulate)
    }

    func forwardReference(_ y: GuardedMemory<T>, accumulate: Bool = false) {
        convolutionForwardReference(
            y.pointer, geometry.outputStrides, x.pointer, geometry.paddedInputStrides, weights: weights.pointer,
            bias: bias.pointer, geometry, box: geometry.outputBox, accumulate: accumulate)
    }

    func backwardData(_ dx: GuardedMemory<T>, box: CellBox? = nil, accumulate: Bool = false) {
        convolutionBackwardData(dx.pointer, geometry.inputStrides, dy.pointer, geometry.paddedOutputStrides,
                                packed: adjoint.pointer, geometry, box: box ?? geometry.inputBox,
                                accumulate: accumulate)
    }

    func backwardDataReference(_ dx: GuardedMemory<T>, accumulate: Bool = false) {
        convolutionBackwardDataReference(
            dx.pointer, geometry.inputStrides, dy.pointer, geometry.paddedOutputStrides, weights: weights.pointer,
            geometry, box: geometry.inputBox, accumulate: accumulate)
    }

    /// The gradients of weights and bias over a box, added to what `dw` and `db` hold or in its place.
    func backwardWeights(_ dw: GuardedMemory<T>, _ db: GuardedMemory<T>, box: CellBox? = nil, accumulate: Bool) {
        convolutionBackwardWeights(
            dw.pointer, db.pointer, ownedGradient, geometry.paddedOutputStrides, x.pointer,
            geometry.paddedInputStrides, workspace: workspace.pointer, geometry, box: box ?? geometry.outputBox,
            accumulate: accumulate)
    }

    func backwardWeightsReference(_ dw: GuardedMemory<T>, _ db: GuardedMemory<T>) {
        convolutionBackwardWeightsReference(
            dw.pointer, db.pointer, ownedGradient, geometry.paddedOutputStrides, x.pointer,
            geometry.paddedInputStrides, geometry, box: geometry.outputBox)
    }
}

extension CellBox {
    /// A box within `extents`, possibly one cell thin, never empty.
    static func random(in extents: CellExtents, _ random: inout SplitMix) -> CellBox {
        func range(_ length: Int) -> (Int, Int) {
            let first = Int.random(in: 0..<length, using: &random)
            return (first, Int.random(in: 1...length - first, using: &random))
        }
        let (z, y, x) = (range(extents.z), range(extents.y), range(extents.x))
        return CellBox(origin: CellExtents(z: z.0, y: y.0, x: x.0), extents: CellExtents(z: z.1, y: y.1, x: x.1))
    }
}
