import Kernels
@testable import NeuralNetworks
import Tensor
import Testing

struct OptimizerTests {
    private func layout(_ shapes: [Shape]) -> ParameterLayout {
        var layout = ParameterLayout()
        for (index, shape) in shapes.enumerated() { _ = layout.add("p\(index)", shape, .scaledNormal(fanIn: 1, gain: 1)) }
        return layout
    }

    /// Random numbers where parameters are, zeros between them.
    private func noise<Scalar: KernelScalar>(_ layout: ParameterLayout, seed: UInt64) -> Buffer<Scalar> {
        let buffer = Buffer<Scalar>(repeating: 0, count: layout.count)
        layout.initialize(buffer.pointer, seed: seed)
        return buffer
    }

    /// Against the published update, element by element.
    @Test func adamW() throws {
        let (beta1, beta2, epsilon, decay, rate) = (0.9, 0.99, 1e-8, 0.1, 0.02)
        let optimizer = OptimizerState<Double>(
            .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay), layout: layout([[16]]))
        let weights = Buffer<Double>(repeating: 1.5, count: 16)
        let average = Buffer<Double>(repeating: 1, count: 16)
        var (w, m, v, mean) = (1.5, 0.0, 0.0, 1.0)
        for step in 0..<5 {
            let g = 0.3 - 0.2 * Double(step)
            let gradients = Buffer<Double>(repeating: g, count: 16)
            try optimizer.update(
                weights.pointer, gradients: gradients.pointer, gradientScale: 0.5, rate: rate, step: step,
                average: WeightAverage(average.pointer, decay: 0.75))
            m = beta1 * m + (1 - beta1) * g / 2
            v = beta2 * v + (1 - beta2) * g * g / 4
            var (power1, power2) = (1.0, 1.0)
            for _ in 0...step { (power1, power2) = (power1 * beta1, power2 * beta2) }
            w -= rate * (m / (1 - power1) / ((v / (1 - power2)).squareRoot() + epsilon) + decay * w)
            mean += 0.25 * (w - mean)
            #expect(abs(weights[0] - w) < 1e-12 && weights[15] == weights[0])
            #expect(abs(average[0] - mean) < 1e-12 && average[15] == average[0])
        }
    }

    // MARK: SOAP

    /// The largest difference from the reference, in weights and their mean, over all steps.
    private func largestDifference<Scalar: KernelScalar>(
        _ shape: Shape, _ rule: SOAP, steps: Int, as: Scalar.Type
    ) throws -> Double {
        // Another parameter before it, so that its place is not the first.
        let layout = layout([[3, 3], shape])
        let parameter = layout.parameters[1]
        let optimizer = OptimizerState<Scalar>(.soap(rule), layout: layout)
        let weights: Buffer<Scalar> = noise(layout, seed: 1)
        let average: Buffer<Scalar> = noise(layout, seed: 2)
        func values(_ buffer: Buffer<Scalar>) -> [Double] {
            (0..<shape.count).map { Double(buffer[parameter.offset + $0]) }
        }
        var reference = ReferenceSOAP(
            rule, extents: shape.extents, weights: values(weights), average: values(average))
        // Behind the two matrices of the other parameter, of 16 elements each with their margin.
        var offset = rule.largestSide >= 3 ? 32 : 0
        var difference = 0.0
        for step in 0..<steps {
            let gradients: Buffer<Scalar> = noise(layout, seed: UInt64(100 + step))
            let rate = 0.05 / Double(step + 1)
            try optimizer.update(
                weights.pointer, gradients: gradients.pointer, gradientScale: 0.7, rate: rate, step: step,
                average: WeightAverage(average.pointer, decay: 0.9))
            let scaled = values(gradients).map { 0.7 * $0 }
            if step == 0 {
                let bases = try #require(optimizer.bases)
                for axis in reference.axes {
                    let length = shape[axis]
                    let basis = (0..<length).map { row in (0..<length).map { bases[offset + row * length + $0] } }
                    offset += (length * length + 7) / 8 * 8
                    reference.start(axis, basis: basis, gradient: scaled)
                }
                #expect(offset == bases.count)
                #expect(reference.largestErrorOfBases < 1e-13)
            } else {
                reference.update(gradient: scaled, rate: rate, step: step, averaging: 0.9)
            }
            for (ours, theirs) in [(values(weights), reference.weights), (values(average), reference.average)] {
                for (one, other) in zip(ours, theirs) { difference = max(difference, abs(one - other)) }
            }
        }
        for index in parameter.offset + shape.count..<layout.count {
            #expect(weights[index] == 0 && average[index] == 0)
        }
        return difference
    }

    /// Bases are followed when the matrices have full rank: until then, vectors of the eigenvalue zero may be any.
    @Test(arguments: [
        ([4, 4], 512, 1), ([4, 4], 512, 3), ([5, 3], 512, 2), ([3, 17], 512, 7), ([7, 1], 512, 8), ([5, 3], 4, 1),
        ([40, 33], 512, 3), ([3, 4, 5], 512, 1), ([27, 4, 6], 512, 2), ([27, 4, 6], 8, 1), ([2, 3, 2, 4], 512, 1),
    ] as [(Shape, Int, Int)])
    func soapIsThePublishedUpdate(_ shape: Shape, largestSide: Int, preconditionEvery: Int) throws {
        let rule = SOAP(weightDecay: 0.1, preconditionEvery: preconditionEvery, largestSide: largestSide)
        let steps = 2 * preconditionEvery + 8
        #expect(try largestDifference(shape, rule, steps: steps, as: Double.self) < 1e-8)
        #expect(try largestDifference(shape, rule, steps: steps, as: Float.self) < 1e-3)
    }

    /// Vectors, and matrices whose sides are too long, get Adam from the second step on, to the last bit.
    @Test func soapWithoutAxesIsAdam() throws {
        let layout = layout([[20], [5, 6], [3, 2, 4]])
        let rule = SOAP(weightDecay: 0.1, largestSide: 1)
        let soap = OptimizerState<Float>(.soap(rule), layout: layout)
        let adam = OptimizerState<Float>(
            .adamW(beta1: rule.beta1, beta2: rule.beta2, epsilon: rule.epsilon, weightDecay: 0.1), layout: layout)
        #expect(soap.bases?.count == 0)
        let (one, other): (Buffer<Float>, Buffer<Float>) = (noise(layout, seed: 1), noise(layout, seed: 1))
        for step in 0..<5 {
            let gradients: Buffer<Float> = noise(layout, seed: UInt64(10 + step))
            try soap.update(one.pointer, gradients: gradients.pointer, gradientScale: 0.5, rate: 0.01, step: step)
            if step > 0 {
                try adam.update(
                    other.pointer, gradients: gradients.pointer, gradientScale: 0.5, rate: 0.01, step: step - 1)
            }
            #expect(Array(one.span) == Array(other.span))
        }
    }

    /// The state is all that there is: a copy of it goes on with the same bits.
    @Test(arguments: [1, 2, 3, 4]) func soapGoesOnFromACopy(after copied: Int) throws {
        let layout = layout([[6, 5], [9], [3, 4, 2]])
        let optimizer = Optimizer.soap(SOAP(preconditionEvery: 3))
        var state = OptimizerState<Float>(optimizer, layout: layout)
        let whole = OptimizerState<Float>(optimizer, layout: layout)
        let (one, other): (Buffer<Float>, Buffer<Float>) = (noise(layout, seed: 1), noise(layout, seed: 1))
        for step in 0..<8 {
            if step == copied {
                let copy = OptimizerState<Float>(optimizer, layout: layout)
                for (to, from) in zip(copy.moments, state.moments) { to.pointer.update(from: from.pointer, count: to.count) }
                for (to, from) in [(copy.statistics, state.statistics), (copy.bases, state.bases)] {
                    let (to, from) = (try #require(to), try #require(from))
                    to.pointer.update(from: from.pointer, count: to.count)
                }
                state = copy
            }
            let gradients: Buffer<Float> = noise(layout, seed: UInt64(10 + step))
            for (state, weights) in [(state, one), (whole, other)] {
                try state.update(weights.pointer, gradients: gradients.pointer, gradientScale: 1, rate: 0.01, step: step)
            }
        }
        #expect(Array(one.span) == Array(other.span))
        #expect(state.bases.map { Array($0.span) } == whole.bases.map { Array($0.span) })
    }

    /// A parameter that has no gradient at first (behind a silent layer) learns when it gets one.
    @Test func soapWithoutAGradientAtFirst() throws {
        let layout = layout([[4, 6]])
        let state = OptimizerState<Double>(.soap(SOAP(weightDecay: 0, preconditionEvery: 2)), layout: layout)
        let weights: Buffer<Double> = noise(layout, seed: 1)
        let first = Array(weights.span)
        for step in 0..<12 {
            let gradients = step < 5 ? Buffer<Double>(repeating: 0, count: layout.count) : noise(layout, seed: 7)
            try state.update(weights.pointer, gradients: gradients.pointer, gradientScale: 1, rate: 0.01, step: step)
            if step < 5 { #expect(Array(weights.span) == first) }
        }
        #expect(weights.span.allSatisfy { $0.isFinite })
        #expect(Array(weights.span) != first)
    }

    @Test func gradientsTooLargeForSOAP() throws {
        let layout = layout([[3], [4, 6]])
        func state() -> OptimizerState<Double> { OptimizerState(.soap(SOAP(preconditionEvery: 2)), layout: layout) }
        let weights: Buffer<Double> = noise(layout, seed: 1)
        let gradients: Buffer<Double> = noise(layout, seed: 2)
        func step(_ state: OptimizerState<Double>, _ step: Int, scale: Double) throws {
            try state.update(weights.pointer, gradients: gradients.pointer, gradientScale: scale, rate: 0, step: step)
        }
        let error = OptimizerError.noBasis(parameter: "p1", axis: 0)
        #expect(throws: error) { try step(state(), 0, scale: 1e200) }
        // Later it is found when the bases follow.
        let later = state()
        try step(later, 0, scale: 1)
        try step(later, 1, scale: 1e200)
        #expect(throws: error) { try step(later, 2, scale: 1) }
    }

    /// |A (W - W0) B|^2 with ill-conditioned A and B that mix all elements: Adam's diagonal is of little use.
    @Test func soapOnAQuadratic() throws {
        let size = 12
        let layout = layout([[size, size]])
        func mixing(seed: UInt64) -> [[Double]] {
            // A product of reflections, then a scale for each column.
            let vector: Buffer<Double> = noise(self.layout([[size]]), seed: seed)
            let square = (0..<size).reduce(0) { $0 + vector[$1] * vector[$1] }
            return (0..<size).map { row in
                (0..<size).map { column in
                    let scale = Double(column + 1) / Double(size)
                    return ((row == column ? 1 : 0) - 2 * vector[row] * vector[column] / square) * scale * scale
                }
            }
        }
        let (a, b) = (mixing(seed: 3), mixing(seed: 4))
        let goal: Buffer<Double> = noise(layout, seed: 5)
        func product(_ x: [[Double]], _ y: [[Double]]) -> [[Double]] {
            x.map { row in (0..<size).map { column in zip(row, y).reduce(0) { $0 + $1.0 * $1.1[column] } } }
        }
        func transposed(_ x: [[Double]]) -> [[Double]] { (0..<size).map { column in x.map { $0[column] } } }

        func lastLoss(_ optimizer: Optimizer) throws -> Double {
            let state = OptimizerState<Double>(optimizer, layout: layout)
            let weights = Buffer<Double>(repeating: 0, count: layout.count)
            let gradients = Buffer<Double>(repeating: 0, count: layout.count)
            let steps = 300
            var loss = 0.0
            for step in 0...steps {
                let error = (0..<size).map { row in
                    (0..<size).map { weights[row * size + $0] - goal[row * size + $0] }
                }
                let residual = product(product(a, error), b)
                loss = residual.joined().reduce(0) { $0 + $1 * $1 }
                let slope = product(product(transposed(a), residual), transposed(b))
                for (index, value) in slope.joined().enumerated() { gradients[index] = 2 * value }
                let rate = 0.1 * (1 - Double(step) / Double(steps + 1))
                try state.update(weights.pointer, gradients: gradients.pointer, gradientScale: 1, rate: rate, step: step)
            }
            return loss
        }
        let adam = try lastLoss(.adamW(beta1: 0.95, beta2: 0.95, epsilon: 1e-8, weightDecay: 0))
        let soap = try lastLoss(.soap(SOAP(weightDecay: 0)))
        #expect(soap < 0.1 * adam, "soap \(soap), adam \(adam)")
    }
}
