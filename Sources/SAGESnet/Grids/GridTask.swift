import Autodiff
import Grid
import HDF5
import Kernels
import NeuralNetworks
import Tensor
import Training

/// Training of a grid's model on series of frames: a sample is a part of a frame, anywhere in it, and of the next frame.
///
/// The loss is the mean over the part's cells of the cross-entropy log(1 + e^l) - t l of logits l and next states t: its
/// gradient stays of order one where a cell is clearly wrong, so that the few rare neighborhoods are learned too, which a
/// squared error of the sigmoid leaves. Of interest is only that all logits have the right sign.
///
/// A sample takes in as many cells around its part as a step can see. Grids of any number of cells train together. With
/// feedback, a sample's coarse level was asked at its frame or at one as far back as a step of the level has steps; codes
/// are computed once, the level does not change.
public final class GridTask<Scalar: TrainingScalar & GridScalar>: TrainingTask {
    public let model: GridModel
    public let training: [GridRun]
    public let validation: [GridRun]
    /// Of each run; empty without feedback.
    private let coarse: [ObjectIdentifier: CoarseFrames<Scalar>]

    /// Cells of a sample along each axis, those around its part included.
    private var edge: Int { model.configuration.crop + 2 * model.configuration.blocks }

    /// The variables of one recording.
    public struct Inputs {
        let step: GridModel.Inputs<Scalar>
        /// The next states. [R, components]
        let target: Variable<Scalar>
        /// 1 / (components of the part's cells, samples); 0 in cells around the part. [R, 1]
        let weight: Variable<Scalar>
    }

    /// Reads the runs. Not collective: every rank does the same.
    ///
    /// - Throws: `HDF5Error`, `TrajectoryError`; `SAGESnetError.unsuitableData` for runs that do not suit the model or one
    ///   another.
    public init(_ configuration: GridModelConfiguration, training: [String], validation: [String]) throws {
        self.training = try training.map { try GridRun($0, for: configuration) }
        self.validation = try validation.map { try GridRun($0, for: configuration) }
        let level = try configuration.feedback.map { try CoarseLevel($0, communicator: .selfOnly) }
        model = GridModel(configuration, stride: self.training[0].stride, coarse: level)
        var coarse: [ObjectIdentifier: CoarseFrames<Scalar>] = [:]
        for run in self.training + self.validation {
            coarse[ObjectIdentifier(run)] = try level.map {
                try CoarseFrames($0, run: run, components: configuration.components)
            }
        }
        self.coarse = coarse
        for run in self.training + self.validation {
            func unsuitable(_ reason: String) -> SAGESnetError { .unsuitableData(file: run.path, reason: reason) }
            guard run.stride == model.stride else {
                throw unsuitable("its frames are \(run.stride.steps) steps apart, those of \(self.training[0].path) "
                                 + "\(model.stride.steps)")
            }
            for axis in 0..<3 where run.boundaries[axis] == .open && run.cells[axis] < edge {
                throw unsuitable("a sample needs \(edge) cells along an open axis, and it has \(run.cells[axis]) along "
                                 + "\(["z", "y", "x"][axis]) (model.crop)")
            }
        }
    }

    /// The frames of a run that samples start from.
    private func starts(_ run: GridRun) -> [Int] { coarse[ObjectIdentifier(run)]?.starts ?? run.starts }

    public var layout: ParameterLayout { model.layout }
    public var sampleCount: Int { training.reduce(0) { $0 + starts($1).count } }
    public var validationSampleCount: Int { validation.reduce(0) { $0 + starts($1).count } }

    public func record(on tape: Tape<Scalar>, samples: Int) -> RecordedLoss<Scalar, Inputs> {
        let grid = GridTopology(
            "cells", extents: CellExtents(z: edge, y: edge, x: edge), samples: samples, periodic: (false, false, false))
        let convolution = GridConvolution(over: grid, algorithm: model.configuration.convolution)
        let step = GridModel.Inputs<Scalar>(model, on: tape, over: grid.domain)
        let target = tape.input("next cells", step.cells.shape, over: grid.domain)
        let weight = tape.input("weight", [grid.domain.capacity, 1], over: grid.domain)
        let logits = model.logits(step, convolution)
        let amount = model.configuration.sensitivityWeight
        let share = amount == 0 ? weight : weight.weighted(
            bySensitivityOf: (logits.applying(.sigmoid) - step.cells).squared.scaledByColumn(weight).sum(), to: step.cells,
            amount: amount, total: 1 / Double(model.configuration.components))
        let entropy = (logits.applying(.softplus) - target * logits).scaledByColumn(share).sum()
        // A sigmoid so steep that it counts cells.
        let wrong = ((Scalar(64) * logits).applying(.sigmoid) - target).squared.scaledByColumn(weight).sum()
        return RecordedLoss(
            loss: entropy, figures: [(name: "wrong", value: wrong)],
            inputs: Inputs(step: step, target: target, weight: weight))
    }

    public func fill(
        _ inputs: Inputs, of program: Program<Scalar>, draws: UnsafeBufferPointer<SampleDraw>, seed: UInt64,
        purpose: SamplePurpose
    ) throws {
        let runs = purpose == .training ? training : validation
        var firstRow = 0
        for draw in draws {
            let (run, frame) = locate(draw.sample, in: runs)
            var random = draw.randomNumbers(seed: seed)
            var origin = Extent3.zero
            for axis in 0..<3 {
                origin[axis] = run.boundaries[axis] == .periodic
                    ? random.nextIndex(below: run.cells[axis])
                    : random.nextIndex(below: run.cells[axis] - edge + 1)
            }
            fill(inputs, program, run, frame, origin, firstRow: firstRow, samples: draws.count)
            if let coarse = coarse[ObjectIdentifier(run)], let columns = inputs.step.coarse {
                let step = random.nextIndex(below: coarse.coarse.steps)
                fill(program.pointer(to: columns) + firstRow * columns.columns, coarse, frame, step: step, run, origin)
            }
            firstRow += edge * edge * edge
        }
    }

    private func locate(_ sample: Int, in runs: [GridRun]) -> (run: GridRun, frame: Int) {
        var index = sample
        for run in runs {
            let starts = starts(run)
            if index < starts.count { return (run, starts[index]) }
            index -= starts.count
        }
        preconditionFailure("sample \(sample) of too few")
    }

    /// Fills the rows of one sample: the box of `edge` cells along each axis from `origin` on.
    private func fill(
        _ inputs: Inputs, _ program: Program<Scalar>, _ run: GridRun, _ frame: Int, _ origin: Extent3, firstRow: Int,
        samples: Int
    ) {
        let (edge, components, cells) = (edge, model.configuration.components, run.cells)
        let around = model.configuration.blocks
        let now = program.pointer(to: inputs.step.cells) + firstRow * components
        let next = program.pointer(to: inputs.target) + firstRow * components
        let weight = program.pointer(to: inputs.weight) + firstRow
        let parity = inputs.step.parity.map { program.pointer(to: $0) + firstRow * GridModel.parities }
        if let parity { Kernels.fill(parity, with: 0, count: edge * edge * edge * GridModel.parities) }
        let (first, second) = (run.frame(frame), run.frame(frame + 1))

        // Of each axis, the cells whose whole surroundings are in the box: all, where the box ends with the grid.
        func compared(_ axis: Int) -> Range<Int> {
            let isOpen = run.boundaries[axis] == .open
            let lower = isOpen && origin[axis] == 0 ? 0 : around
            let upper = isOpen && origin[axis] + edge == cells[axis] ? edge : edge - around
            return lower..<upper
        }
        let (zs, ys, xs) = (compared(0), compared(1), compared(2))
        let share = 1 / Scalar(zs.count * ys.count * xs.count * components * samples)
        var row = 0
        for z in 0..<edge {
            let cellZ = (origin.z + z) % cells.z
            for y in 0..<edge {
                let cellY = (origin.y + y) % cells.y
                let isCompared = zs.contains(z) && ys.contains(y)
                for x in 0..<edge {
                    let cellX = (origin.x + x) % cells.x
                    let cell = ((cellZ * cells.y + cellY) * cells.x + cellX) * components
                    for component in 0..<components {
                        now[row * components + component] = Scalar(first[cell + component])
                        next[row * components + component] = Scalar(second[cell + component])
                    }
                    weight[row] = isCompared && xs.contains(x) ? share : 0
                    if let parity {
                        let column = GridModel.parity(z: cellZ, y: cellY, x: cellX, step: run.steps[frame])
                        parity[row * GridModel.parities + column] = 1
                    }
                    row += 1
                }
            }
        }
    }

    /// Fills what the coarse level tells the cells of one sample.
    private func fill(
        _ columns: UnsafeMutablePointer<Scalar>, _ coarse: CoarseFrames<Scalar>, _ frame: Int, step: Int, _ run: GridRun,
        _ origin: Extent3
    ) {
        let box = Extent3(repeating: edge)
        for row in 0..<box.count {
            var cell = origin + box.cell(at: row)
            for axis in 0..<3 { cell[axis] %= run.cells[axis] }
            coarse.write(cell, frame: frame - step, step: step, into: columns + row * coarse.coarse.columns)
        }
    }

    public func write(to root: Group) throws {
        try model.stride.write(to: root)
        try model.coarse?.write(to: root)
    }
}
