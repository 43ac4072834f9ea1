import Foundation
import Grid
import HDF5
import MPI
import Trajectory

extension SimulationStart {
    /// The last whole frame of a simulation's output, to go on from as if the simulation had never been interrupted.
    /// Collective.
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
        let isThere = try communicator.agree {
            communicator.rank == 0 ? try SimulationStart.hasFrames(path) : false
        }
        guard try communicator.broadcast(isThere ? 1 : 0, root: 0) == 1 else { return nil }
        self = try communicator.agree {
            let reader = try H5MDReader(path)
            var start = try SimulationStart(
                reading: reader, frame: -1, model, first.boundaries, SIMD3(1, 1, 1), keepingImages: reader.hasImages,
                rank: communicator.rank, ranks: communicator.size)
            func unsuitable(_ reason: String) -> SAGESnetError {
                .unsuitableData(file: path, reason: "\(reason): it is no trajectory to resume")
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
            return start
        }
    }

    /// Until the first flush a new file is empty, or zeros where room on the disk was taken.
    private static func hasFrames(_ path: String) throws -> Bool {
        guard let file = FileHandle(forReadingAtPath: path) else { return false }
        defer { try? file.close() }
        // Where reading fails, opening the file below says why.
        if let beginning = try? file.read(upToCount: 512) ?? Data(), beginning.allSatisfy({ $0 == 0 }) { return false }
        return try H5MDReader(path).frameCount > 0
    }

    private var boundaries: Boundaries {
        func boundary(_ axis: Int) -> Boundary { box.boundary(axis) == .periodic ? .periodic : .open }
        return Boundaries(z: boundary(2), y: boundary(1), x: boundary(0))
    }
}

extension Conservation {
    /// What was corrected up to the last frame of a simulation's output.
    fileprivate init(resuming reader: H5MDReader) throws {
        let root = try reader.file.root
        func last(_ name: String) throws -> Double {
            let path = "observables/\(name)/value"
            guard root.isDataset(path) else {
                throw SAGESnetError.unsuitableData(
                    file: reader.path, reason: "it lacks /\(path): it was not written by a simulation")
            }
            let values = try root.dataset(path).read(
                Double.self, .box(offset: [reader.frameCount - 1], count: [1]), transfer: .independent)
            return values[0]
        }
        self.init(
            largestVelocityCorrection: try last(Observable.velocityCorrection),
            largestDisplacementCorrection: try last(Observable.displacementCorrection))
    }
}
