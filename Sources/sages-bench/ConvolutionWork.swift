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

    let geometry: ConvolutionGeometry
    private let kernels: ConvolutionKernels<T>
    private let x, y, dx, dy, w, dw, packed, adjoint, workspace: Field<T>

    init(_ geometry: ConvolutionGeometry, algorithm: ConvolutionAlgorithm = .automatic) {
        self.geometry = geometry
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
        pack()
    }

    /// The one that was chosen; not `automatic`.
    var algorithm: ConvolutionAlgorithm { kernels.algorithm }

    /// Operations of one run in any direction, as the direct algorithm has them: two a multiply-add.
    var operations: Double { 2 * Double(geometry.weightCount) * Double(geometry.outputExtents.count) }

    /// Bytes that must at least be moved: both fields and the weights once.
    var bytes: Double {
        Double(MemoryLayout<T>.size)
            * Double(geometry.inputExtents.count * geometry.inputChannels
                + geometry.outputExtents.count * geometry.outputChannels + geometry.weightCount)
    }

    /// Brings the weights into the kernels' order, as a training step does once for all convolutions with them.
    func pack() {
        kernels.pack(packed.pointer, w.pointer)
        kernels.packAdjoint(adjoint.pointer, w.pointer)
    }

    func run(_ direction: Direction) {
        func padded(_ corner: UnsafePointer<T>, _ strides: CellStrides, _ extents: CellExtents) -> ConvolutionField<T> {
            ConvolutionField(padded: corner, strides, extents: extents, padding: geometry.padding)
        }
        let anchor = CellExtents(z: 0, y: 0, x: 0)
        switch direction {
        case .forward:
            kernels.forward(
                y.pointer, geometry.outputStrides,
                padded(x.pointer, geometry.paddedInputStrides, geometry.inputExtents), packed: packed.pointer,
                workspace: workspace.pointer, box: geometry.outputBox, anchor: anchor)
        case .data:
            kernels.backwardData(
                dx.pointer, geometry.inputStrides,
                padded(dy.pointer, geometry.paddedOutputStrides, geometry.outputExtents), packed: adjoint.pointer,
                workspace: workspace.pointer, box: geometry.inputBox, anchor: anchor)
        case .weights:
            dw.pointer.update(repeating: 0, count: geometry.weightCount)
            kernels.backwardWeights(
                dw.pointer, y.pointer, geometry.outputStrides,
                padded(x.pointer, geometry.paddedInputStrides, geometry.inputExtents), workspace: workspace.pointer,
                box: geometry.outputBox, anchor: anchor)
        }
    }

    /// Packing for this direction and its run, as a library without packed weights has to do it.
    func packAndRun(_ direction: Direction) {
        switch direction {
        case .forward: kernels.pack(packed.pointer, w.pointer)
        case .data: kernels.packAdjoint(adjoint.pointer, w.pointer)
        case .weights: break
        }
        run(direction)
    }
}

/// Aligned memory filled with numbers of order one, freed with the object.
private final class Field<T: KernelScalar> {
    let pointer: UnsafeMutablePointer<T>

    init(_ count: Int) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<T>.stride, alignment: 64)
        pointer = memory.bindMemory(to: T.self, capacity: count)
        for index in 0..<count { pointer[index] = T(index &* 7919 % 1009) / 1009 - 0.5 }
    }

    deinit { pointer.deallocate() }
}
