import Kernels
import Tensor

/// Compares recorded derivatives with finite differences in double precision.
public struct GradientCheck {
    /// The largest error of the first derivatives, relative to the largest derivative (or 1).
    public let firstOrderError: Double
    /// The same of the derivatives of g . d, where g is the gradient and d a fixed direction.
    public let secondOrderError: Double
    /// The difference between forward mode and reverse mode along a fixed direction, relative.
    public let forwardModeError: Double

    /// Checks a function of the given points.
    ///
    /// - Parameters:
    ///   - points: the values at which to differentiate; their shapes are the inputs' shapes.
    ///   - domain: the row domain of every input whose rows equal its capacity.
    ///   - step: the half-width of the central differences.
    ///   - secondOrder: false for functions without a second derivative.
    ///   - parameters: the arena of the function's parameters, if it has any; they are held constant.
    ///   - function: records a variable of any shape from the inputs; its elements are summed with fixed weights.
    public init(
        at points: [Tensor<Double>], over domain: RowDomain? = nil, step: Double = 1e-5, secondOrder: Bool = true,
        parameters: UnsafeMutablePointer<Double>? = nil, of function: ([Variable<Double>]) -> Variable<Double>
    ) throws {
        let tape = Tape<Double>()
        let inputs = points.enumerated().map { index, point in
            tape.input("input \(index)", point.shape, over: point.shape.rows == domain?.capacity ? domain : nil)
        }
        let directions = points.enumerated().map { index, point in
            Tensor<Double>(point.shape, normal: 1, seed: 7, stream: UInt64(index))
        }
        let result = function(inputs)
        let weights = tape.input("weights", result.shape, over: result.domain)
        let loss = (result * weights).sum()
        let gradients = tape.gradients(of: loss, withRespectTo: inputs)
        let tangents = zip(inputs, directions).map { input, direction in
            tape.input("direction", direction.shape, over: input.domain)
        }
        let along = zip(gradients, tangents).map { ($0 * $1).sum() }.reduce(tape.constant(0, [1]), +)
        let forward = tape.jacobianVectorProduct(of: loss, withRespectTo: inputs, tangents: tangents)
        let second = secondOrder ? tape.gradients(of: along, withRespectTo: inputs) : []

        let program = Program(computing: [loss, along, forward] + gradients + second, parameters: parameters)
        program.set(weights, Tensor(result.shape, normal: 1, seed: 11))
        for (tangent, direction) in zip(tangents, directions) { program.set(tangent, direction) }
        for (input, point) in zip(inputs, points) { program.set(input, point) }
        try program.run()
        let reverseValue = program.value(of: along)[0]
        forwardModeError = abs(program.value(of: forward)[0] - reverseValue) / max(1, abs(reverseValue))
        let firstValues = gradients.map { program.value(of: $0) }
        let secondValues = second.map { program.value(of: $0) }

        func differences(of scalar: Variable<Double>) throws -> [[Double]] {
            try zip(inputs, points).map { input, point in
                let count = input.domain.map { $0.count * input.columns } ?? point.count
                return try (0..<count).map { index in
                    func value(_ offset: Double) throws -> Double {
                        var moved = point
                        moved[index] += offset
                        program.set(input, moved)
                        try program.run()
                        return program.value(of: scalar)[0]
                    }
                    let difference = try value(step) - value(-step)
                    program.set(input, point)
                    return difference / (2 * step)
                }
            }
        }
        firstOrderError = GradientCheck.error(firstValues, try differences(of: loss))
        secondOrderError = secondOrder ? GradientCheck.error(secondValues, try differences(of: along)) : 0
    }

    private static func error(_ values: [Tensor<Double>], _ differences: [[Double]]) -> Double {
        var largest = 1.0
        var error = 0.0
        for (value, difference) in zip(values, differences) {
            for index in difference.indices {
                largest = max(largest, abs(difference[index]))
                error = max(error, abs(value[index] - difference[index]))
            }
        }
        return error / largest
    }
}
