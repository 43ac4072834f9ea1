import Kernels
import Tensor

extension Tape {
    /// Records the product of `seed` with the Jacobian of `result` (reverse mode), for each of `variables`.
    ///
    /// - Parameter seed: the cotangent of `result`, of its shape; one if not given, as for a scalar loss.
    /// - Returns: a variable of the shape of each of `variables`; zero where `result` does not depend on it.
    public func gradients(
        of result: Variable<Scalar>, withRespectTo variables: [Variable<Scalar>], seed: Variable<Scalar>? = nil
    ) -> [Variable<Scalar>] {
        var depends = [Bool](repeating: false, count: result.id + 1)
        for variable in variables where variable.id <= result.id { depends[variable.id] = true }
        for id in 0...result.id where !depends[id] {
            depends[id] = nodes[id].inputs.contains { depends[$0] }
        }

        let seed = seed ?? constant(1, like: result)
        precondition(seed.shape == result.shape, "a seed of shape \(seed.shape) for \(result.shape)")
        var cotangents = [Variable<Scalar>?](repeating: nil, count: result.id + 1)
        cotangents[result.id] = seed
        for id in stride(from: result.id, through: 0, by: -1) where depends[id] {
            guard let cotangent = cotangents[id], case .operation(let operation) = nodes[id].kind else { continue }
            let inputs = nodes[id].inputs
            let contributions = operation.adjoints(
                inputs: inputs.map { Variable(tape: self, id: $0) }, output: Variable(tape: self, id: id),
                cotangent: cotangent, wanted: inputs.map { depends[$0] })
            for (input, contribution) in zip(inputs, contributions) where depends[input] {
                guard let contribution else { continue }
                precondition(
                    contribution.shape == nodes[input].shape,
                    "adjoint \(contribution.shape) of an input \(nodes[input].shape) of \(operation)")
                cotangents[input] = cotangents[input].map { $0 + contribution } ?? contribution
            }
        }
        return variables.map { variable in
            (variable.id <= result.id ? cotangents[variable.id] : nil) ?? constant(0, like: variable)
        }
    }

    /// Records the product of the Jacobian of `result` with `tangents` (forward mode).
    ///
    /// The reverse-mode product u -> J^T u is linear in u, so its own reverse-mode product with t is J t; the value
    /// of u is never computed.
    public func jacobianVectorProduct(
        of result: Variable<Scalar>, withRespectTo variables: [Variable<Scalar>], tangents: [Variable<Scalar>]
    ) -> Variable<Scalar> {
        precondition(variables.count == tangents.count, "\(tangents.count) tangents for \(variables.count) variables")
        let placeholder = input("cotangent placeholder", result.shape, over: result.domain)
        let products = gradients(of: result, withRespectTo: variables, seed: placeholder)
        var sum: Variable<Scalar>?
        for (product, tangent) in zip(products, tangents) where product.id > placeholder.id {
            let part = gradients(of: product, withRespectTo: [placeholder], seed: tangent)[0]
            sum = sum.map { $0 + part } ?? part
        }
        return sum ?? constant(0, like: result)
    }
}
