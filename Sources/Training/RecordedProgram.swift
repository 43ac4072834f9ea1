import Autodiff
import NeuralNetworks
import Tensor

/// A task's loss recorded and planned for one number of samples.
final class RecordedProgram<Task: TrainingTask> {
    typealias Scalar = Task.Scalar

    let samples: Int
    let program: Program<Scalar>
    let inputs: Task.Inputs
    /// Names of the figures beside the loss.
    let figureNames: [String]
    /// The gradient of each parameter of the layout; empty where only the loss is computed.
    let gradients: [Variable<Scalar>]
    /// The loss, then the figures, after a run.
    private let values: [UnsafePointer<Scalar>]

    /// - Parameter parameters: the arena to read, which must outlive the program.
    init(_ task: Task, samples: Int, withGradients: Bool, parameters: UnsafeMutablePointer<Scalar>) {
        let tape = Tape<Scalar>()
        let recorded = task.record(on: tape, samples: samples)
        let outputs = [recorded.loss] + recorded.figures.map(\.value)
        precondition(outputs.allSatisfy { $0.shape.count == 1 }, "a loss and its figures are single numbers")
        gradients = withGradients
            ? tape.gradients(of: recorded.loss, withRespectTo: task.layout.parameters.map { tape.parameter($0) }) : []
        let program = Program(computing: outputs + gradients, parameters: parameters)
        self.samples = samples
        self.program = program
        inputs = recorded.inputs
        figureNames = recorded.figures.map(\.name)
        values = outputs.map { UnsafePointer(program.pointer(to: $0)) }
    }

    /// The number of figures, the loss among them.
    var figureCount: Int { values.count }

    /// What a figure is called in messages.
    func quantityName(_ index: Int) -> String { index == 0 ? "loss" : "figure \(figureNames[index - 1])" }

    /// Figure 0 is the loss.
    func figure(_ index: Int) -> Scalar { values[index].pointee }
}
