import CSAGES
import MPI
import SAGESnet
import Trajectory

@c @implementation
public func sages_simulation_step(_ simulation: OpaquePointer?, _ steps: Int64) -> CInt {
    attempt {
        let simulation = try HostSimulation.find(simulation)
        // Ranks that step more often than others would wait for them forever.
        let first = try simulation.communicator.broadcast(steps, root: 0)
        try simulation.communicator.agree {
            guard steps == first else { throw InterfaceError.differs("the number of steps") }
            guard steps >= 0 else { throw InterfaceError.badArgument("\(steps) is no number of steps") }
        }
        try simulation.change {
            for _ in 0..<steps { try simulation.simulator.advance() }
        }
    }
}

@c @implementation
public func sages_simulation_apply_force(_ simulation: OpaquePointer?, _ force: UnsafePointer<CChar>?) -> CInt {
    attempt {
        let simulation = try HostSimulation.find(simulation)
        let applied = try simulation.communicator.agree { try AppliedForce(parsing: try text(force, "force")) }
        try simulation.communicator.requireSame(applied.text, "the force")
        try simulation.simulator.apply(applied)
    }
}

@c @implementation
public func sages_simulation_remove_forces(_ simulation: OpaquePointer?) -> CInt {
    attempt { try HostSimulation.find(simulation).simulator.removeForces() }
}

@c @implementation
public func sages_simulation_impulse(_ simulation: OpaquePointer?, _ impulse: UnsafeMutablePointer<Double>?) -> CInt {
    attempt {
        let given = try HostSimulation.find(simulation).simulator.conservation.impulse
        let target = try require(impulse, "impulse")
        for axis in 0..<3 { target[axis] = given[axis] }
    }
}

@c @implementation
public func sages_simulation_atom_count(_ simulation: OpaquePointer?, _ count: UnsafeMutablePointer<Int64>?) -> CInt {
    attempt { try require(count, "count").pointee = Int64(try HostSimulation.find(simulation).simulator.atomCount) }
}

@c @implementation
public func sages_simulation_local_count(_ simulation: OpaquePointer?, _ count: UnsafeMutablePointer<Int64>?) -> CInt {
    attempt {
        try require(count, "count").pointee = Int64(try HostSimulation.find(simulation).simulator.localAtoms.count)
    }
}

@c @implementation
public func sages_simulation_time(_ simulation: OpaquePointer?, _ time: UnsafeMutablePointer<Double>?) -> CInt {
    attempt { try require(time, "time").pointee = try HostSimulation.find(simulation).simulator.time }
}

@c @implementation
public func sages_simulation_step_number(_ simulation: OpaquePointer?, _ step: UnsafeMutablePointer<Int64>?) -> CInt {
    attempt {
        let simulator = try HostSimulation.find(simulation).simulator
        try require(step, "step").pointee = simulator.startStep + Int64(simulator.step)
    }
}

@c @implementation
public func sages_simulation_temperature(
    _ simulation: OpaquePointer?, _ temperature: UnsafeMutablePointer<Double>?
) -> CInt {
    attempt {
        let simulation = try HostSimulation.find(simulation)
        let result = try simulation.communicator.agree { try require(temperature, "temperature") }
        result.pointee = try simulation.simulator.temperature()
    }
}

@c @implementation
public func sages_simulation_box(
    _ simulation: OpaquePointer?, _ origin: UnsafeMutablePointer<Double>?, _ edges: UnsafeMutablePointer<Double>?,
    _ periodic: UnsafeMutablePointer<CInt>?
) -> CInt {
    attempt {
        let box = try HostSimulation.find(simulation).simulator.grid.box
        for axis in 0..<3 {
            origin?[axis] = box.origin[axis]
            edges?[axis] = box.edges[axis]
            periodic?[axis] = box.boundary(axis) == .periodic ? 1 : 0
        }
    }
}
