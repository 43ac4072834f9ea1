import Kernels
import MPI

/// Rates of the dense convolution kernels on one core: two operations a multiply-add, per second of processor time.
enum ConvolutionBenchmark: Benchmark {
    static let name = "conv"
    static let summary = "dense 3D convolution: forward, data gradient, weight gradient (one core)"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        let roofline = Roofline.measured()
        let shapes: [(kernel: Int, stride: Int, inputs: Int, outputs: Int, cells: Int)] = [
            (3, 1, 32, 32, 32), (3, 1, 16, 16, 48), (3, 1, 64, 64, 24), (3, 1, 8, 8, 64), (3, 1, 24, 48, 20),
            (3, 1, 5, 13, 33), (3, 2, 16, 32, 48), (1, 1, 32, 32, 32), (1, 1, 64, 64, 32), (1, 1, 16, 16, 48),
        ]
        for shape in shapes {
            let geometry = ConvolutionGeometry(
                kernel: shape.kernel, stride: shape.stride, inputChannels: shape.inputs, outputChannels: shape.outputs,
                inputExtents: CellExtents(z: shape.cells, y: shape.cells, x: shape.cells))
            try measureEach(Float.self, geometry, roofline, report)
        }
        let geometry = ConvolutionGeometry(
            kernel: 3, inputChannels: 32, outputChannels: 32, inputExtents: CellExtents(z: 24, y: 24, x: 24))
        try measureEach(Double.self, geometry, nil, report)
    }

    /// By each algorithm that there is for the geometry. Operations are counted as the direct one has them.
    ///
    /// - Parameter roofline: of this scalar type; nil for none.
    private static func measureEach<T: KernelScalar>(
        _: T.Type, _ geometry: ConvolutionGeometry, _ roofline: Roofline?, _ report: (Measurement) throws -> Void
    ) throws {
        for algorithm in [ConvolutionAlgorithm.direct, .winograd, .bfloat16]
        where algorithm != .bfloat16 || InstructionSet.multipliesBFloat16 {
            let work = ConvolutionWork<T>(geometry, algorithm: algorithm)
            if work.kernels.algorithm == algorithm { try measure(work, roofline, report) }
        }
    }

    private static func measure<T: KernelScalar>(
        _ work: ConvolutionWork<T>, _ roofline: Roofline?, _ report: (Measurement) throws -> Void
    ) throws {
        let (geometry, algorithm) = (work.kernels.geometry, work.kernels.algorithm)
        let (n, k) = (geometry.inputExtents, geometry.kernel)
        let label = "\(T.self) \(k)x\(k)x\(k) \(geometry.inputChannels)->\(geometry.outputChannels) on "
            + "\(n.z)x\(n.y)x\(n.x)" + (geometry.stride == 1 ? "" : " stride \(geometry.stride)") + ", "
            + (algorithm == .direct ? "" : "\(algorithm) ")
        // With bfloat16 the weight gradient is the direct one.
        for direction in ConvolutionWork<T>.Direction.allCases where algorithm != .bfloat16 || direction != .weights {
            let measurement = Measurement(
                label + direction.label, unit: "GFLOP/s", work: 1e-9 * work.operations, clock: .processor,
                peak: multiplyAddPeak(T.self)
            ) { work.run(direction) }
            try report(roofline.map { measurement.under($0, intensity: work.operations / work.bytes) } ?? measurement)
        }
    }
}
