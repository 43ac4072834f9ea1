import CSAGES
import Diagnostics
import MPI
import SAGESnet
import Tensor
import Trajectory

/// A simulation and the model that it runs.
final class HostSimulation: HostObject, @unchecked Sendable {
    static let kind = "simulation"

    let communicator: Communicator
    let simulator: Simulator<Float>
    let provenance: SimulationProvenance
    /// Of each species.
    let atomicNumbers: [CInt]
    /// Made when it is first needed: by all ranks at the same time.
    lazy var coupling = Result { try AtomCoupling(simulator) }
    /// Why it cannot go on.
    private var failure: String?

    /// Collective.
    init(_ model: HostModel, _ start: SimulationStart, _ options: HostOptions, _ communicator: Communicator) throws {
        self.communicator = communicator
        provenance = SimulationProvenance(
            program: "libsages", model: model.path, configuration: model.configuration, seed: model.seed, start: start)
        simulator = try Simulator(
            model: model.model, parameters: model.parameters, start: start, communicator: communicator,
            parts: options.parts, environment: options.environment)
        atomicNumbers = simulator.species.symbols.map { CInt(PeriodicTable.atomicNumber(of: $0) ?? 0) }
    }

    /// A simulation that can go on.
    static func find(_ handle: OpaquePointer?) throws -> HostSimulation {
        let simulation = try HandleTable.find(handle, as: HostSimulation.self)
        if let failure = simulation.failure { throw InterfaceError.ended(failure) }
        return simulation
    }

    /// Carries out what changes the state: an error ends the simulation, unless it is one that was found before anything
    /// changed.
    func change(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            if (error as? any SAGESError)?.exitStatus != .usage { failure = "\(error)" }
            throw error
        }
    }
}

/// Where a simulation begins, from what a host passes; made on every rank.
private typealias Starter = (HostModel, HostOptions, Communicator) throws -> SimulationStart

/// Collective.
private func begin(
    _ model: OpaquePointer?, _ options: OpaquePointer?, _ fortran: CInt,
    _ simulation: UnsafeMutablePointer<OpaquePointer?>?, starter: () throws -> Starter
) throws {
    simulation?.pointee = nil
    let communicator = try hostCommunicator(fortran)
    let (model, options, result, start) = try communicator.agree {
        (
            try HandleTable.find(model, as: HostModel.self), try HostOptions.find(options),
            try require(simulation, "simulation"), try starter()
        )
    }
    try communicator.requireSame(options.text, "an option")
    let made = try HostSimulation(model, try start(model, options, communicator), options, communicator)
    result.pointee = HandleTable.insert(made)
}

@c @implementation
public func sages_simulation_open_f(
    _ model: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ frame: Int64, _ options: OpaquePointer?,
    _ communicator: CInt, _ simulation: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
    attempt {
        try begin(model, options, communicator, simulation) {
            let path = try text(path, "path")
            return { model, options, communicator in
                guard options.masses.isEmpty, options.clock == nil else {
                    throw InterfaceError.inapplicable("masses, step and time of a start from a file are the file's")
                }
                try communicator.requireSame("\(frame) \(path)", "the start's path or frame")
                return try SimulationStart(
                    path, frame: Int(frame), for: model.model, boundaries: options.boundaries,
                    replicate: options.replicate ?? SIMD3(1, 1, 1), communicator: communicator)
            }
        }
    }
}

@c @implementation
public func sages_simulation_create_f(
    _ model: OpaquePointer?, _ count: Int64, _ ids: UnsafePointer<Int64>?, _ atomicNumbers: UnsafePointer<CInt>?,
    _ positions: UnsafePointer<Double>?, _ velocities: UnsafePointer<Double>?, _ origin: UnsafePointer<Double>?,
    _ edges: UnsafePointer<Double>?, _ options: OpaquePointer?, _ communicator: CInt,
    _ simulation: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
    attempt {
        try begin(model, options, communicator, simulation) {
            let edges = try require(edges, "edges")
            let atoms = HostAtoms(
                count: Int(count), ids: ids, atomicNumbers: atomicNumbers, positions: positions, velocities: velocities)
            var box = SimulationBox(edges: SIMD3(edges[0], edges[1], edges[2]))
            if let origin { box.origin = SIMD3(origin[0], origin[1], origin[2]) }
            return { model, options, communicator in
                guard options.replicate == nil else {
                    throw InterfaceError.inapplicable("copies of the box are for starts from files")
                }
                if let boundaries = options.boundaries {
                    box.boundaryX = boundaries.x == .periodic ? .periodic : .open
                    box.boundaryY = boundaries.y == .periodic ? .periodic : .open
                    box.boundaryZ = boundaries.z == .periodic ? .periodic : .open
                }
                return try SimulationStart(
                    atoms, box: box, masses: options.masses, step: options.clock?.step ?? 0,
                    time: options.clock?.time ?? 0, for: model.model, source: "the host's atoms",
                    communicator: communicator)
            }
        }
    }
}

@c @implementation
public func sages_simulation_free(_ simulation: OpaquePointer?) -> CInt {
    attempt { _ = try HandleTable.remove(simulation, as: HostSimulation.self) }
}
