import Autodiff
import Kernels
import Tensor

/// The recorded adjoints of a step's networks, over the rows of a simulator: products of cotangents with Jacobians.
struct AdjointNetwork<Scalar: KernelScalar> {
    /// Of one network.
    struct Product {
        let program: Program<Scalar>
        let writer: CellWriter<Scalar>
        /// Where the program reads the shifts of pairs, Angstrom; nil where rows are cells. [pairs, x y z]
        let shifts: UnsafeMutablePointer<Scalar>?
        /// Offsets from cells' centers, Angstrom. [R, 3 S]
        let places: UnsafeMutablePointer<Scalar>
        /// Of each of the network's results. [R, 3 S]
        let cotangents: [UnsafeMutablePointer<Scalar>]
        /// By offsets, and for increments by velocities. [R, 3 S]
        let products: [UnsafePointer<Scalar>]

        /// - Parameter record: records the network's results.
        init(
            _ model: SAGESnetModel, _ topology: CellTopology, parameters: UnsafeMutablePointer<Scalar>,
            environment: [Double], dependsOnVelocity: Bool, record: (CellVariables<Scalar>) -> [Variable<Scalar>]
        ) {
            let tape = Tape<Scalar>()
            let cells = CellVariables("cell", for: model, on: tape, over: topology, sharingEnvironment: true)
            let variables = dependsOnVelocity ? [cells.offset, cells.velocity] : [cells.offset]
            var (seeds, sums): ([Variable<Scalar>], [Variable<Scalar>]) = ([], [])
            for (index, result) in record(cells).enumerated() {
                let seed = tape.input("cotangent \(index)", result.shape, over: topology.domain)
                let parts = tape.gradients(of: result, withRespectTo: variables, seed: seed)
                sums = sums.isEmpty ? parts : zip(sums, parts).map { $0 + $1 }
                seeds.append(seed)
            }
            // Inputs that nothing depends on are outputs too, so that they have memory to be written to.
            let shared = [cells.occupancy, cells.mobility] + variables + [cells.environment, cells.shift].compactMap(\.self)
            let program = Program(computing: sums + seeds + shared, parameters: parameters)
            program.preparesEachRun = false
            self.program = program
            writer = CellWriter(program, cells, model.cellLayout, firstRow: 0)
            shifts = cells.shift.map { program.pointer(to: $0) }
            places = program.pointer(to: cells.offset)
            cotangents = seeds.map { program.pointer(to: $0) }
            products = sums.map { UnsafePointer(program.pointer(to: $0)) }
            // The same in every row and step.
            model.normalized(environment).withUnsafeBufferPointer { [writer] in writer.write(environment: $0, rows: 1) }
        }
    }

    enum Step {
        case kicks(outer: Product, middle: Product)
        case increment(Product)
    }

    let domain: RowDomain
    let step: Step

    init(
        _ model: SAGESnetModel, _ topology: CellTopology, parameters: UnsafeMutablePointer<Scalar>, environment: [Double]
    ) {
        domain = topology.domain
        func product(
            dependsOnVelocity: Bool = false, _ record: (CellVariables<Scalar>) -> [Variable<Scalar>]
        ) -> Product {
            Product(
                model, topology, parameters: parameters, environment: environment, dependsOnVelocity: dependsOnVelocity,
                record: record)
        }
        switch model.configuration.predictor {
        case .energy, .bonds:
            step = .kicks(
                outer: product { [model.kick(.outer, of: $0, at: $0.offset, topology)] },
                middle: product { [model.kick(.middle, of: $0, at: $0.offset, topology)] })
        case .increment:
            step = .increment(product(dependsOnVelocity: true) {
                let deviation = model.step($0, topology)
                return [deviation.displacement, deviation.velocityChange]
            })
        }
    }
}
