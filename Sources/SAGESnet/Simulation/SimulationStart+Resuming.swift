import Grid
import HDF5
import MPI
import Trajectory

extension SimulationStart {
    /// Where a simulation goes on as if it had never been interrupted: its output's last whole frame, or the state beside it
    /// (`SimulationRestart`), where that is later, or frames are in single precision. Collective.
    ///
    /// - Parameters:
    ///   - path: the output of the interrupted simulation.
    ///   - first: the start of the whole simulation.
    /// - Returns: nil if there is no file, or one whose writer was stopped before there was more than the start in it.
    /// - Throws: on every rank, `HDF5Error`, `TrajectoryError`; `SAGESnetError.unsuitableData` for a file that does not
    ///   go on from `first`, and for one in single precision without a state beside it.
    public init?(
        resuming path: String, of first: SimulationStart, for model: SAGESnetModel, communicator: Communicator
    ) throws {
        // Rank 0 looks, so that all see the same.
        let found = try communicator.agree {
            guard communicator.rank == 0, File.hasContent(path), try H5MDReader(path).frameCount > 0 else {
                return SimulationRestart.Found?.none
            }
            return try SimulationRestart.find(output: path)
        }
        let state = try communicator.broadcast(found?.path ?? "", root: 0)
        let frames = try communicator.broadcast(found?.frames ?? 0, root: 0)
        let isBetweenFrames = try communicator.broadcast(found?.isBetweenFrames ?? false, root: 0)
        guard !state.isEmpty else { return nil }
        self = try communicator.agree {
            let reader = try H5MDReader(state)
            var start = try SimulationStart(
                reading: reader, frame: -1, model, first.boundaries, SIMD3(1, 1, 1), keepingImages: reader.hasImages,
                rank: communicator.rank, ranks: communicator.size)
            func unsuitable(_ reason: String) -> SAGESnetError {
                .unsuitableData(file: state, reason: "\(reason): it is no trajectory to resume")
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
            (start.completedFrames, start.isBetweenFrames) = (frames, isBetweenFrames)
            return start
        }
    }

    private var boundaries: Boundaries {
        func boundary(_ axis: Int) -> Boundary { box.boundary(axis) == .periodic ? .periodic : .open }
        return Boundaries(z: boundary(2), y: boundary(1), x: boundary(0))
    }
}

extension Conservation {
    /// What was corrected and given up to the last frame of a simulation's output.
    fileprivate init(resuming reader: H5MDReader) throws {
        let impulse = try Observable.impulse.map { try reader.lastObservable($0) }
        self.init(
            largestVelocityCorrection: try reader.lastObservable(Observable.velocityCorrection),
            largestDisplacementCorrection: try reader.lastObservable(Observable.displacementCorrection),
            impulse: SIMD3(impulse[0], impulse[1], impulse[2]))
    }
}

extension H5MDReader {
    fileprivate func lastObservable(_ name: String) throws -> Double {
        try file.observable(name, frame: frameCount - 1)
    }
}

extension File {
    /// An observable of one frame of a simulation's output. Not collective.
    ///
    /// - Throws: `SAGESnetError.unsuitableData` where there is none; `HDF5Error`.
    func observable(_ name: String, frame: Int) throws -> Double {
        let place = "observables/\(name)/value"
        let root = try self.root
        guard root.isDataset(place), frame >= 0 else {
            throw SAGESnetError.unsuitableData(
                file: path, reason: "it lacks /\(place): it was not written by a simulation")
        }
        return try root.dataset(place).read(Double.self, .box(offset: [frame], count: [1]), transfer: .independent)[0]
    }
}
