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
    private let x, y, dx, dy, w, dw, packed, adjoint, workspace: Field<T>

    init(_ geometry: ConvolutionGeometry) {
        self.geometry = geometry
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
        packed = Field(packedConvolutionWeightCount(T.self, geometry))
        adjoint = Field(packedConvolutionAdjointWeightCount(T.self, geometry))
        workspace = Field(convolutionBackwardWeightsWorkspaceCount(T.self, geometry))
        pack()
    }

    /// Operations of one run in any direction: two a multiply-add.
    var operations: Double { 2 * Double(geometry.weightCount) * Double(geometry.outputExtents.count) }

    /// Bytes that must at least be moved: both fields and the weights once.
    var bytes: Double {
        Double(MemoryLayout<T>.size)
            * Double(geometry.inputExtents.count * geometry.inputChannels
                + geometry.outputExtents.count * geometry.outputChannels + geometry.weightCount)
    }

    /// Brings the weights into the kernels' order, as a training step does once for all convolutions with them.
    func pack() {
        packConvolutionWeights(packed.pointer, w.pointer, bias: nil, geometry)
        packConvolutionAdjointWeights(adjoint.pointer, w.pointer, geometry)
    }

    func run(_ direction: Direction) {
        switch direction {
        case .forward:
            convolutionForward(
                y.pointer, geometry.outputStrides, x.pointer, geometry.paddedInputStrides, packed: packed.pointer,
                geometry, box: geometry.outputBox)
        case .data:
            convolutionBackwardData(
                dx.pointer, geometry.inputStrides, dy.pointer, geometry.paddedOutputStrides, packed: adjoint.pointer,
                geometry, box: geometry.inputBox)
        case .weights:
            convolutionBackwardWeights(
                dw.pointer, nil, y.pointer, geometry.outputStrides, x.pointer, geometry.paddedInputStrides,
                workspace: workspace.pointer, geometry, box: geometry.outputBox, accumulate: false)
        }
    }

    /// Packing for this direction and its run, as a library without packed weights has to do it.
    func packAndRun(_ direction: Direction) {
        switch direction {
        case .forward: packConvolutionWeights(packed.pointer, w.pointer, bias: nil, geometry)
        case .data: packConvolutionAdjointWeights(adjoint.pointer, w.pointer, geometry)
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
