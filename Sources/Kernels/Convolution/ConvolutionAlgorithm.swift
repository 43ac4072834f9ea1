/// How convolutions of 3x3x3 cells at stride 1 are computed. Others are always computed directly.
public enum ConvolutionAlgorithm: String, Sendable, CaseIterable {
    /// Winograd's algorithm where it is the faster one for the numbers of channels, else directly. (On one AVX-512
    /// core it is so from eight channels on, and its errors are not larger.)
    case automatic
    /// Every product is taken as the equation has it.
    case direct
    /// Winograd's F(2x2x2, 3x3x3): 64 products in place of 216.
    case winograd
    /// Operands of the forward pass and of the data gradient rounded to bfloat16, sums in Float: relative errors of
    /// 0.2%. The weight gradient is computed directly. Only where the processor multiplies bfloat16 numbers; numbers
    /// in double precision are convolved directly.
    case bfloat16
}

/// The kernels of one convolution by the algorithm that was chosen for it.
///
/// The choice depends on the geometry's kernel, stride and channels alone, so that all boxes of a grid, on all ranks,
/// are computed alike.
public struct ConvolutionKernels<T: KernelScalar> {
    public let geometry: ConvolutionGeometry
    /// Not `automatic`.
    public let algorithm: ConvolutionAlgorithm

    /// - Precondition: `InstructionSet.multipliesBFloat16` where bfloat16 is asked for.
    public init(_ geometry: ConvolutionGeometry, algorithm: ConvolutionAlgorithm) {
        precondition(algorithm != .bfloat16 || InstructionSet.multipliesBFloat16,
                     "this build does not multiply bfloat16 numbers")
        self.geometry = geometry
        if geometry.kernel != 3 || geometry.stride != 1 {
            self.algorithm = .direct
        } else {
            switch algorithm {
            case .automatic:
                let fewest = min(geometry.inputChannels, geometry.outputChannels)
                self.algorithm = fewest >= Self.fewestWinogradChannels ? .winograd : .direct
            case .bfloat16: self.algorithm = MemoryLayout<T>.size == 4 ? .bfloat16 : .direct
            case .direct, .winograd: self.algorithm = algorithm
            }
        }
    }

    private static var fewestWinogradChannels: Int { 8 }

    /// The inputs or outputs that a pass computes apart from the others, for reasons of its own, made smaller so that no
    /// tile is computed twice.
    public func aligned(_ box: CellBox, anchor: CellExtents) -> CellBox {
        guard algorithm == .winograd else { return box }
        func range(_ origin: Int, _ extent: Int, _ anchor: Int) -> (origin: Int, extent: Int) {
            let first = origin + ((origin + anchor) & 1)
            let end = origin + extent
            return (first, max(0, end - ((end + anchor) & 1) - first))
        }
        let z = range(box.origin.z, box.extents.z, anchor.z)
        let y = range(box.origin.y, box.extents.y, anchor.y)
        let x = range(box.origin.x, box.extents.x, anchor.x)
        return CellBox(origin: CellExtents(z: z.origin, y: y.origin, x: x.origin),
                       extents: CellExtents(z: z.extent, y: y.extent, x: x.extent))
    }

    // MARK: Memory

    /// Elements of packed weights.
    public var packedCount: Int {
        switch algorithm {
        case .winograd: packedWinogradWeightCount(T.self, geometry)
        case .bfloat16: packedBFloat16WeightCount(geometry)
        case .automatic, .direct: packedConvolutionWeightCount(T.self, geometry)
        }
    }

    /// Elements of weights packed for the data gradient.
    public var packedAdjointCount: Int {
        switch algorithm {
        case .winograd: packedWinogradAdjointWeightCount(T.self, geometry)
        case .bfloat16: packedBFloat16AdjointWeightCount(geometry)
        case .automatic, .direct: packedConvolutionAdjointWeightCount(T.self, geometry)
        }
    }

    /// Elements of workspace that any pass needs.
    public var workspaceCount: Int {
        switch algorithm {
        case .winograd:
            max(winogradWorkspaceCount(T.self, geometry), winogradBackwardWeightsWorkspaceCount(T.self, geometry),
                convolutionBackwardWeightsWorkspaceCount(T.self, geometry))
        case .bfloat16:
            max(bfloat16WorkspaceCount(geometry), convolutionBackwardWeightsWorkspaceCount(T.self, geometry))
        case .automatic, .direct: convolutionBackwardWeightsWorkspaceCount(T.self, geometry)
        }
    }

    // MARK: Passes

    /// Packs weights [kz, ky, kx, inputChannels, outputChannels] and bias for `forward`.
    public func pack(
        _ packed: UnsafeMutablePointer<T>, _ weights: UnsafePointer<T>, bias: UnsafePointer<T>? = nil
    ) {
        switch algorithm {
        case .winograd: packWinogradWeights(packed, weights, bias: bias, geometry)
        case .bfloat16: packBFloat16Weights(float(packed), float(weights), bias: bias.map(float), geometry)
        case .automatic, .direct: packConvolutionWeights(packed, weights, bias: bias, geometry)
        }
    }

    /// Packs weights for `backwardData`.
    public func packAdjoint(_ packed: UnsafeMutablePointer<T>, _ weights: UnsafePointer<T>) {
        switch algorithm {
        case .winograd: packWinogradAdjointWeights(packed, weights, geometry)
        case .bfloat16: packBFloat16AdjointWeights(float(packed), float(weights), geometry)
        case .automatic, .direct: packConvolutionAdjointWeights(packed, weights, geometry)
        }
    }

    /// y = b + w * x for a box of output cells, as `convolutionForward`.
    ///
    /// - Parameters:
    ///   - workspace: `workspaceCount` elements.
    ///   - anchor: global coordinates of cell (0, 0, 0).
    public func forward(
        _ y: UnsafeMutablePointer<T>, _ yStrides: CellStrides, _ x: ConvolutionField<T>,
        packed: UnsafePointer<T>, workspace: UnsafeMutablePointer<T>, box: CellBox, anchor: CellExtents
    ) {
        switch algorithm {
        case .winograd:
            winogradForward(y, yStrides, x, packed: packed, workspace: workspace, geometry, box: box,
                            anchor: anchor)
        case .bfloat16:
            bfloat16Forward(float(y), yStrides, x.asFloat, packed: float(packed), workspace: float(workspace),
                            geometry, box: box)
        case .automatic, .direct:
            convolutionForward(y, yStrides, x, packed: packed, geometry, box: box)
        }
    }

    /// The gradient of a box of input cells, as `convolutionBackwardData`.
    public func backwardData(
        _ dx: UnsafeMutablePointer<T>, _ dxStrides: CellStrides, _ dy: ConvolutionField<T>,
        packed: UnsafePointer<T>, workspace: UnsafeMutablePointer<T>, box: CellBox, anchor: CellExtents
    ) {
        switch algorithm {
        case .winograd:
            winogradBackwardData(dx, dxStrides, dy, packed: packed, workspace: workspace, geometry,
                                 box: box, anchor: anchor)
        case .bfloat16:
            bfloat16BackwardData(float(dx), dxStrides, dy.asFloat, packed: float(packed),
                                 workspace: float(workspace), geometry, box: box)
        case .automatic, .direct:
            convolutionBackwardData(dx, dxStrides, dy, packed: packed, geometry, box: box)
        }
    }

    /// Adds the sum over a box of output cells to the gradient of the weights, as `convolutionBackwardWeights`.
    public func backwardWeights(
        _ dw: UnsafeMutablePointer<T>, _ dy: UnsafePointer<T>, _ dyStrides: CellStrides, _ x: ConvolutionField<T>,
        workspace: UnsafeMutablePointer<T>, box: CellBox, anchor: CellExtents
    ) {
        // The transform of the sums pays off from about a hundred cells on.
        switch box.extents.count < 125 ? .direct : algorithm {
        case .winograd:
            winogradBackwardWeights(dw, dy, dyStrides, x, workspace: workspace, geometry, box: box,
                                    anchor: anchor)
        case .automatic, .direct, .bfloat16:
            convolutionBackwardWeights(dw, nil, dy, dyStrides, x, workspace: workspace, geometry, box: box)
        }
    }
}

/// Only called where T is Float.
@inline(__always)
private func float<T>(_ pointer: UnsafePointer<T>) -> UnsafePointer<Float> {
    UnsafeRawPointer(pointer).assumingMemoryBound(to: Float.self)
}

@inline(__always)
private func float<T>(_ pointer: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<Float> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Float.self)
}

extension ConvolutionField {
    /// Only asked for where Scalar is Float.
    fileprivate var asFloat: ConvolutionField<Float> { unsafeBitCast(self, to: ConvolutionField<Float>.self) }
}
