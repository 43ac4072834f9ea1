import Kernels
import Tensor

/// SOAP's step, and what it keeps beside Adam's moments.
final class Preconditioning<Scalar: KernelScalar> {
    private struct Entry {
        let parameter: Parameter
        /// Empty for vectors, and where all axes are too long.
        let axes: [PreconditionedAxis]
    }

    let rule: SOAP
    /// Running means of products of gradients: one symmetric matrix for each axis, the upper triangle, row-major.
    let statistics: Buffer<Double>
    /// Approximate eigenvectors of the statistics, in rows.
    let bases: Buffer<Double>
    private let entries: [Entry]
    private let eigenbases: Eigenbases
    // As long as the longest preconditioned parameter.
    private let gradient: Buffer<Double>
    private var mean: Pair
    private var rotated: Pair
    private let scratch: Buffer<Scalar>

    init(_ rule: SOAP, layout: ParameterLayout) {
        self.rule = rule
        var end = 0
        entries = layout.parameters.map { parameter in
            let extents = parameter.shape.extents
            guard extents.count > 1 else { return Entry(parameter: parameter, axes: []) }
            let axes = extents.indices.compactMap { axis -> PreconditionedAxis? in
                guard extents[axis] > 1 && extents[axis] <= rule.largestSide else { return nil }
                let place = PreconditionedAxis(
                    axis: axis, outer: extents[..<axis].reduce(1, *), length: extents[axis],
                    inner: extents[(axis + 1)...].reduce(1, *), offset: end)
                // Aligned to 64 bytes.
                end += (place.matrixCount + 7) / 8 * 8
                return place
            }
            return Entry(parameter: parameter, axes: axes)
        }
        statistics = Buffer(repeating: 0, count: end)
        bases = Buffer(repeating: 0, count: end)
        let axes = entries.flatMap(\.axes)
        eigenbases = Eigenbases(largest: axes.map(\.length).max() ?? 0)
        let longest = entries.filter { !$0.axes.isEmpty }.map(\.parameter.shape.count).max() ?? 0
        gradient = Buffer(repeating: 0, count: longest)
        mean = Pair(count: longest)
        rotated = Pair(count: longest)
        scratch = Buffer(repeating: 0, count: longest)
    }

    /// - Parameters: as for `OptimizerState.update`, with Adam's moments.
    func update(
        _ weights: UnsafeMutablePointer<Scalar>, gradients: UnsafePointer<Scalar>, mean: UnsafeMutablePointer<Scalar>,
        meanSquare: UnsafeMutablePointer<Scalar>, gradientScale: Double, rate: Double, step: Int,
        average: WeightAverage<Scalar>?
    ) throws {
        try withSingleThreadedLibrary {
            for entry in entries {
                let offset = entry.parameter.offset
                if step == 0 {
                    try start(entry, gradients + offset, gradientScale: gradientScale)
                } else if entry.axes.isEmpty {
                    adamStep(
                        weights + offset, gradients + offset, mean + offset, meanSquare + offset,
                        AdamCoefficients(
                            gradientScale: gradientScale, beta1: rule.beta1, beta2: rule.beta2, epsilon: rule.epsilon,
                            weightDecay: rule.weightDecay, rate: rate, updates: step),
                        average: average?.advanced(by: offset), count: (entry.parameter.shape.count + 15) / 16 * 16)
                } else {
                    change(
                        entry, weights + offset, gradients + offset, mean + offset, meanSquare + offset,
                        gradientScale: gradientScale, rate: rate, step: step, average: average?.advanced(by: offset))
                    try learn(entry, meanSquare + offset, followingBases: step % rule.preconditionEvery == 0)
                }
            }
        }
    }

    /// The first bases.
    private func start(_ entry: Entry, _ gradients: UnsafePointer<Scalar>, gradientScale: Double) throws {
        guard !entry.axes.isEmpty else { return }
        for index in 0..<entry.parameter.shape.count {
            gradient.pointer[index] = Double(gradients[index]) * gradientScale
        }
        for axis in entry.axes {
            let (matrix, basis) = (statistics.pointer + axis.offset, bases.pointer + axis.offset)
            axis.accumulate(gradient.pointer, decay: rule.beta2, into: matrix)
            guard eigenbases.find(basis, of: matrix, length: axis.length) else { throw noBasis(entry, axis) }
        }
    }

    /// Adam's step in the bases.
    private func change(
        _ entry: Entry, _ weights: UnsafeMutablePointer<Scalar>, _ gradients: UnsafePointer<Scalar>,
        _ m: UnsafeMutablePointer<Scalar>, _ v: UnsafeMutablePointer<Scalar>, gradientScale: Double, rate: Double,
        step: Int, average: WeightAverage<Scalar>?
    ) {
        let count = entry.parameter.shape.count
        meanGradientStep(
            mean.first, gradient.pointer, m, gradients, gradientScale: gradientScale, beta1: rule.beta1, count: count)
        rotated.first.update(from: gradient.pointer, count: count)
        for axis in entry.axes {
            let basis = bases.pointer + axis.offset
            mean.exchange { axis.rotate($0, by: basis, into: $1) }
            rotated.exchange { axis.rotate($0, by: basis, into: $1) }
        }
        adamDirection(
            mean.first, v, rotated.first, beta2: rule.beta2, correction1: startCorrection(rule.beta1, updates: step),
            correction2: startCorrection(rule.beta2, updates: step), epsilon: rule.epsilon, count: count)
        for axis in entry.axes {
            mean.exchange { axis.rotateBack($0, by: bases.pointer + axis.offset, into: $1) }
        }
        directionStep(
            weights, mean.first, rate: rate, weightDecay: rule.weightDecay, average: average, count: count)
    }

    /// Takes the step's gradient into the statistics, and follows them with the bases when it is time.
    private func learn(_ entry: Entry, _ v: UnsafeMutablePointer<Scalar>, followingBases: Bool) throws {
        for axis in entry.axes {
            let (matrix, basis) = (statistics.pointer + axis.offset, bases.pointer + axis.offset)
            axis.accumulate(gradient.pointer, decay: rule.beta2, into: matrix)
            guard followingBases else { continue }
            guard eigenbases.follow(basis, of: matrix, length: axis.length) else { throw noBasis(entry, axis) }
            guard eigenbases.isReordered(length: axis.length) else { continue }
            permuteAxis(
                v, scratch.pointer, order: eigenbases.order.pointer, outer: axis.outer, length: axis.length,
                inner: axis.inner)
        }
    }

    private func noBasis(_ entry: Entry, _ axis: PreconditionedAxis) -> OptimizerError {
        .noBasis(parameter: entry.parameter.name, axis: axis.axis)
    }
}

/// Two arrays, the first of which becomes the second at each exchange.
private struct Pair {
    private var buffers: (Buffer<Double>, Buffer<Double>)

    init(count: Int) { buffers = (Buffer(repeating: 0, count: count), Buffer(repeating: 0, count: count)) }

    var first: UnsafeMutablePointer<Double> { buffers.0.pointer }

    /// Computes the second from the first, then exchanges them.
    mutating func exchange(
        _ compute: (_ source: UnsafeMutablePointer<Double>, _ target: UnsafeMutablePointer<Double>) -> Void
    ) {
        compute(buffers.0.pointer, buffers.1.pointer)
        swap(&buffers.0, &buffers.1)
    }
}
