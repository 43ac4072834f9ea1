import CSAGES
import Diagnostics
import Grid
import MPI
import SAGESnet
import Trajectory

/// How a simulation is to be run; nil where the default holds.
final class HostOptions: HostObject, @unchecked Sendable {
    static let kind = "options"

    var parts: Extent3?
    var boundaries: Boundaries?
    var replicate: SIMD3<Int>?
    var environment: [EnvironmentVariable: Double] = [:]
    /// u, by atomic number
    var masses: [Int32: Double] = [:]
    var clock: (step: Int64, time: Double)?

    /// The options that a handle stands for; the defaults for NULL.
    static func find(_ handle: OpaquePointer?) throws -> HostOptions {
        handle == nil ? HostOptions() : try HandleTable.find(handle)
    }

    /// All that is set, the same text for the same options.
    var text: String {
        let environment = environment.map { "\($0.rawValue)=\($1)" }.sorted()
        let masses = masses.map { "\($0)=\($1)" }.sorted()
        return "\(parts.map(\.description) ?? "") \(boundaries?.description ?? "") \(replicate.map { "\($0)" } ?? "") "
            + "\(environment) \(masses) \(clock.map { "\($0)" } ?? "")"
    }
}

@c @implementation
public func sages_options_create(_ options: UnsafeMutablePointer<OpaquePointer?>?) -> CInt {
    attempt { try require(options, "options").pointee = HandleTable.insert(HostOptions()) }
}

@c @implementation
public func sages_options_free(_ options: OpaquePointer?) -> CInt {
    attempt { _ = try HandleTable.remove(options, as: HostOptions.self) }
}

@c @implementation
public func sages_options_set_decomposition(_ options: OpaquePointer?, _ x: CInt, _ y: CInt, _ z: CInt) -> CInt {
    attempt {
        let options = try HandleTable.find(options, as: HostOptions.self)
        let parts = try positive(x, y, z, "parts of a decomposition")
        options.parts = Extent3(z: parts.z, y: parts.y, x: parts.x)
    }
}

@c @implementation
public func sages_options_set_periodic(_ options: OpaquePointer?, _ x: CInt, _ y: CInt, _ z: CInt) -> CInt {
    attempt {
        func boundary(_ flag: CInt) -> Boundary { flag != 0 ? .periodic : .open }
        try HandleTable.find(options, as: HostOptions.self).boundaries =
            Boundaries(z: boundary(z), y: boundary(y), x: boundary(x))
    }
}

@c @implementation
public func sages_options_set_replicate(_ options: OpaquePointer?, _ x: CInt, _ y: CInt, _ z: CInt) -> CInt {
    attempt {
        let options = try HandleTable.find(options, as: HostOptions.self)
        let copies = try positive(x, y, z, "copies of a box")
        // A box is at most 4,096 Angstrom long.
        guard max(copies.x, copies.y, copies.z) <= 1 << 16 else {
            throw InterfaceError.badArgument("\(x), \(y), \(z) copies of a box are too many")
        }
        options.replicate = copies
    }
}

@c @implementation
public func sages_options_set_environment(
    _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: Double
) -> CInt {
    attempt {
        let options = try HandleTable.find(options, as: HostOptions.self)
        let name = try text(name, "name")
        guard let variable = EnvironmentVariable(rawValue: name) else {
            let nearest = NearestName.of(name, in: EnvironmentVariable.allCases.map(\.rawValue))
            throw InterfaceError.badArgument(
                "there is no environment variable '\(name)'\(nearest.map { "; did you mean \($0)?" } ?? "")")
        }
        guard value.isFinite else { throw InterfaceError.badArgument("\(value) is no value for \(name)") }
        options.environment[variable] = value
    }
}

@c @implementation
public func sages_options_set_mass(_ options: OpaquePointer?, _ atomicNumber: CInt, _ mass: Double) -> CInt {
    attempt {
        let options = try HandleTable.find(options, as: HostOptions.self)
        guard atomicNumber >= 1, Int(atomicNumber) <= PeriodicTable.elements.count else {
            throw InterfaceError.badArgument("\(atomicNumber) is no atomic number")
        }
        guard mass > 1e-3, mass < 1e3 else { throw InterfaceError.badArgument("\(mass) u is no mass of an atom") }
        options.masses[atomicNumber] = mass
    }
}

@c @implementation
public func sages_options_set_clock(_ options: OpaquePointer?, _ step: Int64, _ time: Double) -> CInt {
    attempt {
        let options = try HandleTable.find(options, as: HostOptions.self)
        guard step >= 0, step <= 1 << 62, time.isFinite else {
            throw InterfaceError.badArgument("step \(step) and time \(time) are no start")
        }
        options.clock = (step, time)
    }
}

private func positive(_ x: CInt, _ y: CInt, _ z: CInt, _ what: String) throws -> SIMD3<Int> {
    guard min(x, y, z) >= 1 else { throw InterfaceError.badArgument("\(x), \(y), \(z) are no \(what)") }
    return SIMD3(Int(x), Int(y), Int(z))
}
