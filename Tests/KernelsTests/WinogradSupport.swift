@testable import Kernels

/// A 3x3x3 convolution at stride 1 by one of the algorithms beyond the direct one, beside its reference. All fields lie
/// in guarded memory.
struct WinogradCase<T: KernelScalar> {
    let geometry: ConvolutionGeometry
    let anchor: CellExtents
    let x, dy, weights, bias, packed, adjoint, workspace, gradientWorkspace: GuardedMemory<T>
    let edge: GuardedMemory<T>.Edge

    init(_ geometry: ConvolutionGeometry, anchor: CellExtents, touching edge: GuardedMemory<T>.Edge = .end) {
        self.geometry = geometry
        self.anchor = anchor
        self.edge = edge
        let n = geometry.inputExtents
        let padded = (n.z + 2) * (n.y + 2) * (n.x + 2)
        x = GuardedMemory<T>(padded * geometry.inputChannels, touching: edge).fill(seed: 1)
        dy = GuardedMemory<T>(padded * geometry.outputChannels, touching: edge).fill(seed: 2)
        weights = GuardedMemory<T>(geometry.weightCount, touching: edge).fill(seed: 3)
        bias = GuardedMemory<T>(geometry.outputChannels, touching: edge).fill(seed: 4)
        packed = GuardedMemory(packedWinogradWeightCount(T.self, geometry), touching: edge)
        adjoint = GuardedMemory(packedWinogradAdjointWeightCount(T.self, geometry), touching: edge)
        workspace = GuardedMemory(winogradWorkspaceCount(T.self, geometry), touching: edge)
        gradientWorkspace = GuardedMemory(winogradBackwardWeightsWorkspaceCount(T.self, geometry), touching: edge)
        packWinogradWeights(packed.pointer, weights.pointer, bias: bias.pointer, geometry)
        packWinogradAdjointWeights(adjoint.pointer, weights.pointer, geometry)
    }

    /// The first owned cell of `dy`.
    var ownedGradient: UnsafeMutablePointer<T> { dy.pointer + geometry.paddedOutputStrides.offset(1, 1, 1) }

    /// A field between its halo, as seen from a cell.
    private func padded(
        _ field: GuardedMemory<T>, _ channels: Int, _ shift: CellExtents = CellExtents(z: 0, y: 0, x: 0)
    ) -> ConvolutionField<T> {
        let strides = CellStrides(packed: geometry.inputExtents, padding: 1, channels: channels)
        return ConvolutionField(
            padded: field.pointer + strides.offset(shift), strides, extents: geometry.inputExtents, padding: 1)
    }

    func output() -> GuardedMemory<T> {
        GuardedMemory<T>(geometry.outputExtents.count * geometry.outputChannels, touching: edge).fill(seed: 5)
    }

    func inputGradient() -> GuardedMemory<T> {
        GuardedMemory<T>(geometry.inputExtents.count * geometry.inputChannels, touching: edge).fill(seed: 6)
    }

    /// - Parameter shift: the fields as seen from this cell: its neighbors' coordinates are counted from it.
    func forward(_ y: GuardedMemory<T>, box: CellBox? = nil, shift: CellExtents = CellExtents(z: 0, y: 0, x: 0)) {
        winogradForward(
            y.pointer + geometry.outputStrides.offset(shift), geometry.outputStrides,
            padded(x, geometry.inputChannels, shift), packed: packed.pointer, workspace: workspace.pointer, geometry,
            box: (box ?? geometry.outputBox).seen(from: shift), anchor: anchor + shift)
    }

    func backwardData(_ dx: GuardedMemory<T>, box: CellBox? = nil, shift: CellExtents = CellExtents(z: 0, y: 0, x: 0)) {
        winogradBackwardData(
            dx.pointer + geometry.inputStrides.offset(shift), geometry.inputStrides,
            padded(dy, geometry.outputChannels, shift), packed: adjoint.pointer, workspace: workspace.pointer, geometry,
            box: (box ?? geometry.inputBox).seen(from: shift), anchor: anchor + shift)
    }

    /// Adds the gradient of the weights over a box to `dw`.
    func backwardWeights(_ dw: GuardedMemory<T>, box: CellBox? = nil) {
        winogradBackwardWeights(
            dw.pointer, ownedGradient, geometry.paddedOutputStrides, padded(x, geometry.inputChannels),
            workspace: gradientWorkspace.pointer, geometry, box: box ?? geometry.outputBox, anchor: anchor)
    }

    func forwardReference(_ y: GuardedMemory<T>) {
        convolutionForwardReference(
            y.pointer, geometry.outputStrides, x.pointer, geometry.paddedInputStrides, weights: weights.pointer,
            bias: bias.pointer, geometry, box: geometry.outputBox)
    }

    func backwardDataReference(_ dx: GuardedMemory<T>) {
        convolutionBackwardDataReference(
            dx.pointer, geometry.inputStrides, dy.pointer, geometry.paddedOutputStrides, weights: weights.pointer,
            geometry, box: geometry.inputBox)
    }

    func backwardWeightsReference(_ dw: GuardedMemory<T>) {
        let db = GuardedMemory<T>(geometry.outputChannels, touching: edge)
        convolutionBackwardWeightsReference(
            dw.pointer, db.pointer, ownedGradient, geometry.paddedOutputStrides, x.pointer,
            geometry.paddedInputStrides, geometry, box: geometry.outputBox)
    }
}

extension CellStrides {
    func offset(_ cell: CellExtents) -> Int { offset(cell.z, cell.y, cell.x) }
}

extension CellExtents {
    static func + (left: Self, right: Self) -> Self {
        Self(z: left.z + right.z, y: left.y + right.y, x: left.x + right.x)
    }
}

extension CellBox {
    func seen(from cell: CellExtents) -> Self {
        Self(origin: CellExtents(z: origin.z - cell.z, y: origin.y - cell.y, x: origin.x - cell.x), extents: extents)
    }

    /// Whether a cell of a field lies in the box widened by a margin.
    func contains(_ z: Int, _ y: Int, _ x: Int, margin: Int = 0) -> Bool {
        func inside(_ cell: Int, _ origin: Int, _ extent: Int) -> Bool {
            cell >= origin - margin && cell < origin + extent + margin
        }
        return inside(z, origin.z, extents.z) && inside(y, origin.y, extents.y) && inside(x, origin.x, extents.x)
    }
}

/// Values of an unpadded field: of `inside` in the box, of `outside` elsewhere.
func values<T: KernelScalar>(
    in box: CellBox, _ inside: GuardedMemory<T>, outside: GuardedMemory<T>, _ extents: CellExtents, channels: Int
) -> [T] {
    var values = outside.values
    for z in 0..<extents.z {
        for y in 0..<extents.y {
            for x in 0..<extents.x where box.contains(z, y, x) {
                let first = ((z * extents.y + y) * extents.x + x) * channels
                for c in first..<first + channels { values[c] = inside.pointer[c] }
            }
        }
    }
    return values
}

/// Makes every cell of a padded field that a box's windows do not reach not-a-number.
func poison<T: KernelScalar>(_ field: GuardedMemory<T>, beyond box: CellBox, _ extents: CellExtents, channels: Int) {
    let strides = CellStrides(packed: extents, padding: 1, channels: channels)
    for z in -1...extents.z {
        for y in -1...extents.y {
            for x in -1...extents.x where !box.contains(z, y, x, margin: 1) {
                (field.pointer + strides.offset(z + 1, y + 1, x + 1)).update(repeating: .nan, count: channels)
            }
        }
    }
}

func largestDifference<T: KernelScalar>(_ a: [T], _ b: [T]) -> T {
    var largest: T = 0
    // A difference that is not a number is not small.
    for (a, b) in zip(a, b) where !((a - b).magnitude <= largest) { largest = a == b ? largest : (a - b).magnitude }
    return largest
}
