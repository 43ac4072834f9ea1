import Autodiff
import Grid
import Kernels
import Tensor

/// Cells of a grid's model with the losses of its single steps: the mean over a cell's components of the cross-entropy of
/// logits and next states, as in training. What describes a cell are its vector after the residual blocks and its logits.
public final class GridLossSource: LossSource {
    private let model: GridModel
    private let parameters: Buffer<Float>
    private let runs: [GridRun]
    private let samples: [(run: Int, frame: Int)]
    private var recorded: (run: Int, network: Network)?

    private struct Network {
        let program: Program<Float>
        let cells: UnsafeMutablePointer<Float>
        let parity: Variable<Float>?
        let parities: [Buffer<Float>]
        let features: UnsafePointer<Float>
    }

    /// Not collective.
    ///
    /// - Throws: `SAGESnetError.badRequest` for a model with feedback.
    public init(_ model: GridModel, parameters: Buffer<Float>, runs: [GridRun]) throws {
        try model.requireNoFeedback(for: "a network of confidence")
        (self.model, self.parameters, self.runs) = (model, parameters, runs)
        samples = runs.enumerated().flatMap { index, run in run.starts.map { (index, $0) } }
    }

    public var featureCount: Int { model.configuration.channels + model.configuration.components }
    public var sampleCount: Int { samples.count }

    public func rows(ofSample sample: Int) throws -> LossRows {
        let (index, frame) = samples[sample]
        let run = runs[index]
        let network = try planned(index)
        let (now, next) = (run.frame(frame), run.frame(frame + 1))
        let components = model.configuration.components
        let cells = run.cells.count
        for component in 0..<(cells * components) { network.cells[component] = Float(now[component]) }
        if let parity = network.parity {
            network.program.bind(parity, to: network.parities[Int(run.steps[frame] & 1)].pointer)
        }
        try network.program.run()
        let features = Array(UnsafeBufferPointer(start: network.features, count: cells * featureCount))
        let losses = (0..<cells).map { cell in
            (0..<components).reduce(0.0) { sum, component in
                let logit = Double(features[cell * featureCount + model.configuration.channels + component])
                // log(1 + e^l) - t l = log(1 + e^-|l|) + what a wrong sign costs.
                let isOne = next[cell * components + component] == 1
                let softplus = Logarithm.natural(1 + Logarithm.exponential(-abs(logit)))
                return sum + (softplus + ((logit > 0) == isOne ? 0 : abs(logit))) / Double(components)
            }
        }
        return LossRows(features: features, losses: losses)
    }

    /// The network of a run's grid.
    private func planned(_ index: Int) throws -> Network {
        if let recorded, recorded.run == index { return recorded.network }
        let run = runs[index]
        let decomposition = try Decomposition(cells: run.cells, boundaries: run.boundaries, haloWidth: 1, ranks: 1)
        let grid = DenseCellExchange<Float>.topology(decomposition, communicator: .selfOnly)
        let tape = Tape<Float>()
        let inputs = GridModel.Inputs<Float>(model, on: tape, over: grid.domain)
        let convolution = GridConvolution(over: grid, algorithm: model.configuration.convolution)
        let features = Variable.concatenating([model.code(inputs, convolution), model.logits(inputs, convolution)])
        let program = Program(computing: [features], parameters: parameters.pointer)
        program.preparesEachRun = false
        let whole = decomposition.range(ofRank: 0)
        let network = Network(
            program: program, cells: program.pointer(to: inputs.cells), parity: inputs.parity,
            parities: inputs.parity == nil ? [] : (0..<2).map { GridModel.parityColumns(of: whole, step: $0) },
            features: UnsafePointer(program.pointer(to: features)))
        recorded = (index, network)
        return network
    }
}
