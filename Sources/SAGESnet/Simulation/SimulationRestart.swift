import Foundation
import HDF5
import MPI
import Trajectory

/// Where a simulation goes on that was stopped between two frames of its output.
///
/// The state lies beside the output, in a trajectory of one frame, so that the output holds the frames of a simulation that
/// was never stopped. It says which frame of the output it follows: once the output has gone on, or is another one, it
/// counts no more.
public enum SimulationRestart {
    /// `trajectory.h5.restart` for `trajectory.h5`.
    public static func path(beside output: String) -> String { output + ".restart" }

    private static let group = "follows"

    /// Writes the state of a simulator, whole or not at all. Collective.
    ///
    /// - Parameter output: a trajectory that was closed.
    /// - Throws: on every rank, `HDF5Error`, `TrajectoryError`.
    public static func write<Scalar>(
        _ simulator: Simulator<Scalar>, beside output: String, provenance: SimulationProvenance,
        communicator: Communicator
    ) throws {
        var whole: WholeFile?
        let (frames, temperature) = try communicator.agree {
            guard communicator.rank == 0 else { return (0, 0.0) }
            whole = try WholeFile(path(beside: output))
            return try lastFrame(of: output)
        }
        let temporary = try communicator.broadcast(whole?.temporaryPath ?? "", root: 0)
        let last = (
            frames: try communicator.broadcast(frames, root: 0),
            temperature: try communicator.broadcast(temperature, root: 0)
        )
        do {
            let file = try SimulationOutput<Scalar>(
                creating: temporary, atomCount: simulator.atomCount, species: simulator.species,
                box: simulator.grid.box, provenance: provenance, communicator: communicator)
            let follows = try file.file.root.createGroup(group)
            try follows.setAttribute("frames", Int64(last.frames))
            try follows.setAttribute("temperature", last.temperature)
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

    /// The state beside an output; nil if there is none that follows its last frame. Not collective.
    static func find(beside output: String) throws -> String? {
        let path = path(beside: output)
        guard access(path, F_OK) == 0 else { return nil }
        let reader = try H5MDReader(path)
        guard reader.frameCount == 1, try reader.file.root.isGroup(group) else {
            throw SAGESnetError.unsuitableData(file: path, reason: "it is no restart of a simulation")
        }
        let follows = try reader.file.root.group(group)
        let last = try lastFrame(of: output)
        guard try follows.attribute("frames", as: Int64.self) == [Int64(last.frames)],
              try follows.attribute("temperature", as: Double.self) == [last.temperature] else { return nil }
        return path
    }

    /// What tells an output from others: how many frames it has, and the temperature of the last.
    private static func lastFrame(of output: String) throws -> (frames: Int, temperature: Double) {
        let reader = try H5MDReader(output)
        let frames = reader.frameCount
        return (frames, try reader.lastObservable(Observable.temperature))
    }
}
