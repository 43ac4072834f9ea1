import Kernels
import MPI

/// Rates of the dense convolution kernels on one core: two operations a multiply-add, per second of processor time.
enum ConvolutionBenchmark: Benchmark {
    static let name = "conv"
    static let summary = "dense 3D convolution: forward, data gradient, weight gradient (one core)"

    static func run(on communicator: Communicator, report: (Measurement) -> Void) {
        let shapes: [(kernel: Int, stride: Int, inputs: Int, outputs: Int, cells: Int)] = [
            (3, 1, 32, 32, 32), (3, 1, 16, 16, 48), (3, 1, 64, 64, 24), (3, 1, 8, 8, 64), (3, 1, 24, 48, 20),
            (3, 1, 5, 13, 33), (3, 2, 16, 32, 48), (1, 1, 32, 32, 32), (1, 1, 64, 64, 32), (1, 1, 16, 16, 48),
        ]
        for shape in shapes {
            let geometry = ConvolutionGeometry(
                kernel: shape.kernel, stride: shape.stride, inputChannels: shape.inputs, outputChannels: shape.outputs,
                inputExtents: CellExtents(z: shape.cells, y: shape.cells, x: shape.cells))
            measure(Float.self, geometry, report: report)
        }
        measure(Double.self, ConvolutionGeometry(kernel: 3, inputChannels: 32, outputChannels: 32,
                                                 inputExtents: CellExtents(z: 24, y: 24, x: 24)), report: report)
    }

    private static func measure<T: KernelScalar>(
        _: T.Type, _ geometry: ConvolutionGeometry, report: (Measurement) -> Void
    ) {
        let n = geometry.inputExtents
        let k = geometry.kernel
        let label = "\(T.self) \(k)x\(k)x\(k) \(geometry.inputChannels)->\(geometry.outputChannels) on "
            + "\(n.z)x\(n.y)x\(n.x)" + (geometry.stride == 1 ? "" : " stride \(geometry.stride)") + ", "
        let work = 2e-9 * Double(geometry.weightCount) * Double(geometry.outputExtents.count)

        let padded = CellExtents(z: n.z + 2 * geometry.padding, y: n.y + 2 * geometry.padding,
                                 x: n.x + 2 * geometry.padding)
        let m = geometry.outputExtents
        let paddedOut = CellExtents(z: m.z + 2 * geometry.padding, y: m.y + 2 * geometry.padding,
                                    x: m.x + 2 * geometry.padding)
        let x = Field<T>(padded.count * geometry.inputChannels)
        let y = Field<T>(m.count * geometry.outputChannels)
        let dx = Field<T>(n.count * geometry.inputChannels)
        let dy = Field<T>(paddedOut.count * geometry.outputChannels)
        let w = Field<T>(geometry.weightCount)
        let dw = Field<T>(geometry.weightCount)
        let packed = Field<T>(packedConvolutionWeightCount(T.self, geometry))
        let adjoint = Field<T>(packedConvolutionAdjointWeightCount(T.self, geometry))
        let workspace = Field<T>(convolutionBackwardWeightsWorkspaceCount(T.self, geometry))
        packConvolutionWeights(packed.pointer, w.pointer, bias: nil, geometry)
        packConvolutionAdjointWeights(adjoint.pointer, w.pointer, geometry)

        report(Measurement(label + "forward", unit: "GFLOP/s", work: work, clock: .processor, peak: multiplyAddPeak(T.self)) {
            convolutionForward(y.pointer, geometry.outputStrides, x.pointer, geometry.paddedInputStrides,
                               packed: packed.pointer, geometry, box: geometry.outputBox)
        })
        report(Measurement(label + "data gradient", unit: "GFLOP/s", work: work, clock: .processor, peak: multiplyAddPeak(T.self)) {
            convolutionBackwardData(dx.pointer, geometry.inputStrides, dy.pointer, geometry.paddedOutputStrides,
                                    packed: adjoint.pointer, geometry, box: geometry.inputBox)
        })
        report(Measurement(label + "weight gradient", unit: "GFLOP/s", work: work, clock: .processor, peak: multiplyAddPeak(T.self)) {
            convolutionBackwardWeights(dw.pointer, nil, y.pointer, geometry.outputStrides, x.pointer,
                                       geometry.paddedInputStrides, workspace: workspace.pointer, geometry,
                                       box: geometry.outputBox, accumulate: false)
        })
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
