import CSAGES
import Diagnostics
import MPI
import SAGESnet
import Trajectory

/// A trajectory that is being written.
final class HostOutput: HostObject, @unchecked Sendable {
    static let kind = "output"

    let output: SimulationOutput<Float>
    let atomCount: Int
    let communicator: Communicator

    init(_ output: SimulationOutput<Float>, _ simulation: HostSimulation) {
        self.output = output
        atomCount = simulation.simulator.atomCount
        communicator = simulation.communicator
    }
}

@c @implementation
public func sages_output_create(
    _ simulation: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ output: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
    attempt {
        try open(simulation, path, output) { path, simulation in
            let simulator = simulation.simulator
            return try SimulationOutput(
                creating: path, atomCount: simulator.atomCount, species: simulator.species, box: simulator.grid.box,
                provenance: simulation.provenance, communicator: simulation.communicator)
        }
    }
}

@c @implementation
public func sages_output_append(
    _ simulation: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ output: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
    attempt {
        try open(simulation, path, output) { path, simulation in
            try simulation.communicator.agree {
                guard simulation.communicator.rank == 0 else { return }
                let reader = try H5MDReader(path)
                let simulator = simulation.simulator
                guard reader.atomCount == simulator.atomCount, reader.species == simulator.species else {
                    throw SAGESnetError.unsuitableData(
                        file: path, reason: "its atoms are not the simulation's: \(reader.atomCount) of "
                            + "\(names(reader.species)) instead of \(simulator.atomCount) of "
                            + "\(names(simulator.species))")
                }
            }
            return try SimulationOutput(appendingTo: path, communicator: simulation.communicator)
        }
    }
}

private func names(_ species: SpeciesTable?) -> String {
    species?.symbols.joined(separator: ", ") ?? "unknown elements"
}

/// Collective.
private func open(
    _ simulation: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ output: UnsafeMutablePointer<OpaquePointer?>?,
    _ body: (String, HostSimulation) throws -> SimulationOutput<Float>
) throws {
    output?.pointee = nil
    let simulation = try HostSimulation.find(simulation)
    let (path, result) = try simulation.communicator.agree {
        (try text(path, "path"), try require(output, "output"))
    }
    try simulation.communicator.requireSame(path, "the output's path")
    result.pointee = HandleTable.insert(HostOutput(try body(path, simulation), simulation))
}

@c @implementation
public func sages_output_write(_ output: OpaquePointer?, _ simulation: OpaquePointer?) -> CInt {
    attempt {
        let output = try HandleTable.find(output, as: HostOutput.self)
        let simulation = try output.communicator.agree {
            let simulation = try HostSimulation.find(simulation)
            guard simulation.simulator.atomCount == output.atomCount else {
                throw InterfaceError.badArgument(
                    "the simulation has \(simulation.simulator.atomCount) atoms, the file \(output.atomCount)")
            }
            return simulation
        }
        try output.output.write(simulation.simulator)
        try output.output.flush()
    }
}

@c @implementation
public func sages_output_close(_ output: OpaquePointer?) -> CInt {
    attempt { try HandleTable.remove(output, as: HostOutput.self)?.output.close() }
}
