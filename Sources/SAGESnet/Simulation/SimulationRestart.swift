import Foundation
import HDF5
import MPI
import Trajectory

/// Where a simulation goes on that was stopped or killed: its state in double precision, whatever its frames have.
///
/// The state lies beside the output, in a trajectory of one frame, so that the output holds the frames of a simulation that
/// was never stopped. It says which frame of the output it follows. Frames behind that one are made again; where they are
/// states themselves (float64), the later one counts. The state of another output, or of one that was replaced, counts not.
public enum SimulationRestart {
    /// `trajectory.h5.restart` for `trajectory.h5`.
    public static func path(beside output: String) -> String { output + ".restart" }

    private static let group = "follows"

    /// Writes the state of a simulator, whole or not at all: until the new one is on the disk, the one before stays. Brings
    /// the output's frames to the disk before, so that what the state follows is there. Collective.
    ///
    /// - Parameter output: of this simulator, with one frame at least.
    /// - Throws: on every rank, `HDF5Error`, `TrajectoryError`.
    public static func write<Scalar>(
        _ simulator: Simulator<Scalar>, beside output: SimulationOutput<Scalar>, provenance: SimulationProvenance,
        communicator: Communicator
    ) throws {
        try output.flush()
        var whole: WholeFile?
        try communicator.agree { if communicator.rank == 0 { whole = try WholeFile(path(beside: output.path)) } }
        let temporary = try communicator.broadcast(whole?.temporaryPath ?? "", root: 0)
        do {
            let file = try SimulationOutput<Scalar>(
                creating: temporary, atomCount: simulator.atomCount, species: simulator.species,
                box: simulator.grid.box, provenance: provenance, communicator: communicator)
            let follows = try file.file.root.createGroup(group)
            try follows.setAttribute("frames", Int64(output.frameCount))
            try follows.setAttribute("temperature", output.lastTemperature)
            try file.write(simulator)
            try file.close()
        } catch {
            whole.take()?.discardTemporary()
            throw error
        }
        try communicator.agree { try whole.take()?.commit() }
    }

    /// Removes the state beside an output, if there is any. Collective.
    public static func remove(beside output: String, communicator: Communicator) throws {
        try communicator.agree {
            guard communicator.rank == 0, unlink(path(beside: output)) != 0, errno != ENOENT else { return }
            throw HDF5Error(
                .inputOutput, file: path(beside: output), operation: "remove", message: String(cString: strerror(errno)))
        }
    }

    /// Where a simulation goes on.
    struct Found {
        /// A trajectory whose last frame is the state.
        var path: String
        /// Frames of the output up to the state; what is behind them is made again.
        var frames: Int
        /// Whether the last of them is of an earlier step than the state.
        var isBetweenFrames: Bool
    }

    /// Where the simulation of an output with frames goes on; nil where it begins anew, for nothing but its first frame,
    /// the start, is there. Not collective.
    ///
    /// - Throws: `HDF5Error`, `TrajectoryError`; `SAGESnetError.unsuitableData` for an output in single precision whose
    ///   state is missing, and for a state that is none.
    static func find(output path: String) throws -> Found? {
        let output = try H5MDReader(path)
        let state = try state(beside: output)
        switch output.precision {
        case .float64:
            if let state, state.frames == output.frameCount, state.isBetweenFrames { return state }
            return Found(path: path, frames: output.frameCount, isBetweenFrames: false)
        case .float32:
            if state == nil && output.frameCount > 1 {
                throw SAGESnetError.unsuitableData(
                    file: path, reason: "it is in single precision, and the state to go on from, "
                        + "\(self.path(beside: path)), is missing or another run's: it is no trajectory to resume")
            }
            return state
        }
    }

    /// The state beside an output, if it is of the same simulation.
    private static func state(beside output: H5MDReader) throws -> Found? {
        let path = path(beside: output.path)
        guard access(path, F_OK) == 0 else { return nil }
        let reader = try H5MDReader(path)
        guard reader.frameCount == 1, try reader.file.root.isGroup(group) else {
            throw SAGESnetError.unsuitableData(file: path, reason: "it is no restart of a simulation")
        }
        let follows = try reader.file.root.group(group)
        guard let frames = try follows.attribute("frames", as: Int.self).first, (1...output.frameCount).contains(frames),
              try follows.attribute("temperature", as: Double.self)
                == [output.file.observable(Observable.temperature, frame: frames - 1)] else { return nil }
        let step = reader.steps[0]
        // It lies between the frame that it follows and the next.
        guard step >= output.steps[frames - 1], frames == output.frameCount || step < output.steps[frames] else { return nil }
        return Found(path: path, frames: frames, isBetweenFrames: step > output.steps[frames - 1])
    }
}
