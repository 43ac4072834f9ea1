import Autodiff
import HDF5
import Kernels
import MPI
import NeuralNetworks
import Tensor

/// A number that can be trained, sent and stored.
public protocol TrainingScalar: FixedPointScalar, MPIDatatype, HDF5Datatype where FixedPoint: MPIDatatype {}
extension Float: TrainingScalar {}
extension Double: TrainingScalar {}

/// One use of one sample: which, and in which epoch.
public struct SampleDraw: Hashable, Sendable, BitwiseCopyable {
    /// Index of the sample in the task's set, from 0.
    public let sample: Int
    /// The pass over the set, from 0.
    public let epoch: Int

    public init(sample: Int, epoch: Int) {
        self.sample = sample
        self.epoch = epoch
    }

    /// Random numbers that belong to this draw alone: the same on whatever rank, and however often asked for.
    public func randomNumbers(seed: UInt64) -> Philox { Philox(seed: seed, epoch: epoch, sample: sample) }
}

/// What samples are taken for. Noise and augmentation belong to training only.
public enum SamplePurpose: Sendable {
    case training, validation
}

/// The loss of a micro-batch as recorded on a tape.
public struct RecordedLoss<Scalar: KernelScalar, Inputs> {
    /// The mean over the micro-batch's samples, `[1]`.
    public let loss: Variable<Scalar>
    /// Figures to report beside the loss, means over the samples too, `[1]` each. Names become columns of the metrics.
    public let figures: [(name: String, value: Variable<Scalar>)]
    /// The variables that `TrainingTask.fill` fills.
    public let inputs: Inputs

    public init(loss: Variable<Scalar>, figures: [(name: String, value: Variable<Scalar>)] = [], inputs: Inputs) {
        self.loss = loss
        self.figures = figures
        self.inputs = inputs
    }
}

/// What the `Trainer` trains: a model's loss on micro-batches of samples.
///
/// A task is the same on every rank: same layout, same numbers of samples, same recording. It holds (or can get) the
/// data of any sample; which samples a rank is asked for is the Trainer's business.
public protocol TrainingTask<Scalar>: AnyObject {
    associatedtype Scalar: TrainingScalar
    /// The variables and other objects of one recording that take a micro-batch's data.
    associatedtype Inputs

    /// Names, shapes and first values of the parameters.
    var layout: ParameterLayout { get }
    /// The number of training samples.
    var sampleCount: Int { get }
    /// The number of validation samples; 0 if there are none.
    var validationSampleCount: Int { get }

    /// Records the loss of a micro-batch of `samples` samples. Called a few times before training begins, with
    /// different numbers of samples; not collective.
    func record(on tape: Tape<Scalar>, samples: Int) -> RecordedLoss<Scalar, Inputs>

    /// Fills recorded inputs with the given samples, as many as the recording is for.
    ///
    /// What it fills may depend on the draws, the seed and the purpose alone; in particular random numbers come from
    /// `SampleDraw.randomNumbers`. It allocates nothing once it has seen a few micro-batches. Not collective: only
    /// ranks that have a micro-batch call it. An error that it throws ends the whole job, through
    /// `MPIEnvironment.run`, within seconds.
    func fill(
        _ inputs: Inputs, of program: Program<Scalar>, draws: UnsafeBufferPointer<SampleDraw>, seed: UInt64,
        purpose: SamplePurpose) throws

    /// Writes the first weights. By default those that the layout says; a task that goes on from another model takes its.
    func initialize(_ arena: UnsafeMutablePointer<Scalar>, seed: UInt64)

    /// Writes what a user of the model needs beside configuration and parameters (a normalization, for example) below
    /// `root`, outside of the groups that `ModelFile` names. Called on rank 0 alone.
    func write(to root: Group) throws

    /// The same for what depends on the weights that are written with it (a calibration, for example), in the layout.
    func write(to root: Group, weights: UnsafePointer<Scalar>) throws
}

extension TrainingTask {
    public func initialize(_ arena: UnsafeMutablePointer<Scalar>, seed: UInt64) { layout.initialize(arena, seed: seed) }
    public func write(to root: Group) throws {}
    public func write(to root: Group, weights: UnsafePointer<Scalar>) throws {}
}
