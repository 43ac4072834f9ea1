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
            measureEach(Float.self, geometry, report: report)
        }
        measureEach(Double.self, ConvolutionGeometry(kernel: 3, inputChannels: 32, outputChannels: 32,
                                                     inputExtents: CellExtents(z: 24, y: 24, x: 24)), report: report)
    }

    /// By each algorithm that there is for the geometry. Operations are counted as the direct one has them.
    private static func measureEach<T: KernelScalar>(
        _: T.Type, _ geometry: ConvolutionGeometry, report: (Measurement) -> Void
    ) {
        for algorithm in [ConvolutionAlgorithm.direct, .winograd, .bfloat16]
        where algorithm != .bfloat16 || InstructionSet.multipliesBFloat16 {
            let kernels = ConvolutionKernels<T>(geometry, algorithm: algorithm)
            if kernels.algorithm == algorithm { measure(kernels, report: report) }
        }
    }

    private static func measure<T: KernelScalar>(_ kernels: ConvolutionKernels<T>, report: (Measurement) -> Void) {
        let geometry = kernels.geometry
        let n = geometry.inputExtents
        let k = geometry.kernel
        let label = "\(T.self) \(k)x\(k)x\(k) \(geometry.inputChannels)->\(geometry.outputChannels) on "
            + "\(n.z)x\(n.y)x\(n.x)" + (geometry.stride == 1 ? "" : " stride \(geometry.stride)") + ", "
            + (kernels.algorithm == .direct ? "" : "\(kernels.algorithm) ")
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
        let packed = Field<T>(kernels.packedCount)
        let adjoint = Field<T>(kernels.packedAdjointCount)
        let workspace = Field<T>(kernels.workspaceCount)
        let anchor = CellExtents(z: 0, y: 0, x: 0)
        let peak = multiplyAddPeak(T.self)
        let source = ConvolutionField(padded: x.pointer, geometry.paddedInputStrides, extents: n,
                                      padding: geometry.padding)
        let gradient = ConvolutionField(padded: dy.pointer, geometry.paddedOutputStrides, extents: m,
                                        padding: geometry.padding)
        kernels.pack(packed.pointer, w.pointer)
        kernels.packAdjoint(adjoint.pointer, w.pointer)

        report(Measurement(label + "forward", unit: "GFLOP/s", work: work, clock: .processor, peak: peak) {
            kernels.forward(y.pointer, geometry.outputStrides, source, packed: packed.pointer, workspace: workspace.pointer, box: geometry.outputBox,
                            anchor: anchor)
        })
        report(Measurement(label + "data gradient", unit: "GFLOP/s", work: work, clock: .processor, peak: peak) {
            kernels.backwardData(dx.pointer, geometry.inputStrides, gradient, packed: adjoint.pointer, workspace: workspace.pointer, box: geometry.inputBox,
                                 anchor: anchor)
        })
        // With bfloat16 it is the direct one.
        if kernels.algorithm == .bfloat16 { return }
        report(Measurement(label + "weight gradient", unit: "GFLOP/s", work: work, clock: .processor, peak: peak) {
            dw.clear()
            kernels.backwardWeights(dw.pointer, y.pointer, geometry.outputStrides, source, workspace: workspace.pointer,
                                    box: geometry.outputBox, anchor: anchor)
        })
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
