import Grid
import HDF5
import MPI
import Trajectory

extension SimulationStart {
    /// Where a simulation's output ends, to go on as if the simulation had never been interrupted: the state beside it, if
    /// the simulation stopped between two frames (`SimulationRestart`), or else its last whole frame. Collective.
    ///
    /// - Parameters:
    ///   - path: the output of the interrupted simulation.
    ///   - first: the start of the whole simulation.
    /// - Returns: nil if there is no file, or one whose writer was stopped before its first frame.
    /// - Throws: on every rank, `HDF5Error`, `TrajectoryError`; `SAGESnetError.unsuitableData` for a file that does not
    ///   go on from `first`.
    public init?(
        resuming path: String, of first: SimulationStart, for model: SAGESnetModel, communicator: Communicator
    ) throws {
        // Rank 0 looks, so that all see the same.
        let found = try communicator.agree {
            guard communicator.rank == 0, File.hasContent(path), try H5MDReader(path).frameCount > 0 else { return "" }
            return try SimulationRestart.find(beside: path) ?? path
        }
        let state = try communicator.broadcast(found, root: 0)
        guard !state.isEmpty else { return nil }
        self = try communicator.agree {
            let reader = try H5MDReader(state)
            var start = try SimulationStart(
                reading: reader, frame: -1, model, first.boundaries, SIMD3(1, 1, 1), keepingImages: reader.hasImages,
                rank: communicator.rank, ranks: communicator.size)
            func unsuitable(_ reason: String) -> SAGESnetError {
                .unsuitableData(file: state, reason: "\(reason): it is no trajectory to resume")
            }
            guard reader.precision == .float64 else {
                throw unsuitable("it was written in single precision, from which a run does not go on as if uninterrupted")
            }
            guard start.atomCount == first.atomCount else {
                throw unsuitable("it holds \(start.atomCount) atoms, the start \(first.atomCount)")
            }
            guard start.box == first.box else {
                throw unsuitable("its box has edges \(start.box.edges) Angstrom, the start's \(first.box.edges)")
            }
            guard start.step >= first.step else {
                throw unsuitable("its last frame is step \(start.step), the start is step \(first.step)")
            }
            start.completedSteps = Int(start.step - first.step)
            (start.step, start.time) = (first.step, first.time)
            start.conservation = try Conservation(resuming: reader)
            start.isBetweenFrames = state != path
            return start
        }
    }

    private var boundaries: Boundaries {
        func boundary(_ axis: Int) -> Boundary { box.boundary(axis) == .periodic ? .periodic : .open }
        return Boundaries(z: boundary(2), y: boundary(1), x: boundary(0))
    }
}

extension Conservation {
    /// What was corrected up to the last frame of a simulation's output.
    fileprivate init(resuming reader: H5MDReader) throws {
        self.init(
            largestVelocityCorrection: try reader.lastObservable(Observable.velocityCorrection),
            largestDisplacementCorrection: try reader.lastObservable(Observable.displacementCorrection))
    }
}

extension H5MDReader {
    /// An observable of the last frame.
    ///
    /// - Throws: `SAGESnetError.unsuitableData` where there is none; `HDF5Error`.
    func lastObservable(_ name: String) throws -> Double {
        let path = "observables/\(name)/value"
        let root = try file.root
        guard root.isDataset(path), frameCount > 0 else {
            throw SAGESnetError.unsuitableData(
                file: self.path, reason: "it lacks /\(path): it was not written by a simulation")
        }
        let values = try root.dataset(path).read(
            Double.self, .box(offset: [frameCount - 1], count: [1]), transfer: .independent)
        return values[0]
    }
}
