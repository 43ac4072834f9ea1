import Kernels
import Tensor

/// One dense convolution in its three directions, on fields whose halo is in place.
final class ConvolutionWork<T: KernelScalar> {
    enum Direction: String, CaseIterable {
        case forward, data, weights

        var label: String {
            switch self {
            case .forward: "forward"
            case .data: "data gradient"
            case .weights: "weight gradient"
            }
        }
    }

    let kernels: ConvolutionKernels<T>
    private let x, y, dx, dy, w, dw, packed, adjoint, workspace: Field<T>
    private let anchor = CellExtents(z: 0, y: 0, x: 0)

    init(_ geometry: ConvolutionGeometry, algorithm: ConvolutionAlgorithm) {
        kernels = ConvolutionKernels(geometry, algorithm: algorithm)
        func padded(_ extents: CellExtents) -> Int {
            let margin = 2 * geometry.padding
            return CellExtents(z: extents.z + margin, y: extents.y + margin, x: extents.x + margin).count
        }
        x = Field(padded(geometry.inputExtents) * geometry.inputChannels)
        y = Field(geometry.outputExtents.count * geometry.outputChannels)
        dx = Field(geometry.inputExtents.count * geometry.inputChannels)
        dy = Field(padded(geometry.outputExtents) * geometry.outputChannels)
        w = Field(geometry.weightCount)
        dw = Field(geometry.weightCount)
        packed = Field(kernels.packedCount)
        adjoint = Field(kernels.packedAdjointCount)
        workspace = Field(kernels.workspaceCount)
        pack(.forward)
        pack(.data)
    }

    private var geometry: ConvolutionGeometry { kernels.geometry }

    /// Operations of one run in any direction as the direct algorithm has them: two a multiply-add.
    var operations: Double { 2 * Double(geometry.weightCount) * Double(geometry.outputExtents.count) }

    /// Bytes that must at least be moved: both fields and the weights once.
    var bytes: Double {
        Double(MemoryLayout<T>.size)
            * Double(geometry.inputExtents.count * geometry.inputChannels
                + geometry.outputExtents.count * geometry.outputChannels + geometry.weightCount)
    }

    /// Brings the weights into the kernels' order, as a training step does once for all convolutions with them.
    private func pack(_ direction: Direction) {
        switch direction {
        case .forward: kernels.pack(packed.pointer, w.pointer)
        case .data: kernels.packAdjoint(adjoint.pointer, w.pointer)
        case .weights: break
        }
    }

    func run(_ direction: Direction) {
        switch direction {
        case .forward:
            kernels.forward(
                y.pointer, geometry.outputStrides, source(x, geometry.inputExtents, geometry.paddedInputStrides),
                packed: packed.pointer, workspace: workspace.pointer, box: geometry.outputBox, anchor: anchor)
        case .data:
            kernels.backwardData(
                dx.pointer, geometry.inputStrides, source(dy, geometry.outputExtents, geometry.paddedOutputStrides),
                packed: adjoint.pointer, workspace: workspace.pointer, box: geometry.inputBox, anchor: anchor)
        case .weights:
            dw.clear()
            kernels.backwardWeights(
                dw.pointer, y.pointer, geometry.outputStrides,
                source(x, geometry.inputExtents, geometry.paddedInputStrides), workspace: workspace.pointer,
                box: geometry.outputBox, anchor: anchor)
        }
    }

    private func source(_ field: Field<T>, _ extents: CellExtents, _ strides: CellStrides) -> ConvolutionField<T> {
        ConvolutionField(padded: field.pointer, strides, extents: extents, padding: geometry.padding)
    }

    /// Packing for this direction and its run, as a library without packed weights has to do it.
    func packAndRun(_ direction: Direction) {
        pack(direction)
        run(direction)
    }
}

/// Aligned memory filled with numbers of order one, freed with the object.
private final class Field<T: KernelScalar> {
    let pointer: UnsafeMutablePointer<T>
    private let count: Int

    init(_ count: Int) {
        self.count = count
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<T>.stride, alignment: 64)
        pointer = memory.bindMemory(to: T.self, capacity: count)
        for index in 0..<count { pointer[index] = T(index &* 7919 % 1009) / 1009 - 0.5 }
    }

    func clear() { pointer.update(repeating: 0, count: count) }

    deinit { pointer.deallocate() }
}
