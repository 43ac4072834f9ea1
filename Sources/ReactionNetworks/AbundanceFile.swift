import Diagnostics
import Foundation
import HDF5
import MPI

/// What is wrong with a file of abundances.
public struct AbundanceError: SAGESError, Equatable {
    public let file: String
    public let reason: String
    public let exitStatus: ExitStatus

    public init(file: String, reason: String, exitStatus: ExitStatus = .data) {
        (self.file, self.reason, self.exitStatus) = (file, reason, exitStatus)
    }

    public var description: String { "\(file): \(reason)" }
}

/// A file of trajectories of densities: `/abundance/log10` [trajectory, time, species], log10 of cm^-3; `/time`, yr; `/species`;
/// and, where they are known, `/conditions/temperature` (K) and `/conditions/ionization_rate` (1/s), one number for each
/// trajectory.
public final class AbundanceFile {
    public let path: String
    /// In the order of the file.
    public let species: [String]
    /// yr, ascending.
    public let times: [Double]
    public let trajectoryCount: Int
    /// Of each trajectory; nil where the file does not say. [trajectories]
    public let temperatures, ionizationRates: [Double]?
    private let file: File
    private let log10: Dataset

    /// Opens a file for reading. Not collective: each rank for itself.
    ///
    /// - Throws: `HDF5Error` (66 if it is missing); `AbundanceError` (65) that names what does not fit.
    public init(_ path: String) throws {
        func fault(_ reason: String) -> AbundanceError { AbundanceError(file: path, reason: reason) }
        self.path = path
        file = try File.open(path)
        let root = try file.root
        for name in ["abundance/log10", "time", "species"] where !root.isDataset(name) {
            throw fault("it holds no trajectories of densities: there is no /\(name)")
        }
        log10 = try root.dataset("abundance/log10")
        species = try root.dataset("species").readStrings()
        times = try root.dataset("time").read(Double.self, transfer: .independent)
        guard log10.shape.count == 3, log10.elements.isNumber else {
            throw fault("/abundance/log10 is no array of numbers [trajectory, time, species]")
        }
        guard log10.shape[1] == times.count, log10.shape[2] == species.count else {
            throw fault(
                "/abundance/log10 has the shape \(log10.shape), which does not fit \(times.count) times and \(species.count) species")
        }
        guard !species.isEmpty, !times.isEmpty, log10.shape[0] > 0 else { throw fault("it holds no trajectories") }
        if let twice = Dictionary(grouping: species, by: { $0 }).first(where: { $0.value.count > 1 })?.key {
            throw fault("the species \(twice) is there twice")
        }
        for (index, time) in times.enumerated() {
            guard time.isFinite, time >= 0, index == 0 || time > times[index - 1] else {
                throw fault("time \(index) is \(time) yr: times must be numbers that ascend")
            }
        }
        let count = log10.shape[0]
        trajectoryCount = count
        func conditions(_ name: String) throws -> [Double]? {
            guard root.exists("conditions/\(name)") else { return nil }
            let values = try root.dataset("conditions/\(name)").read(Double.self, transfer: .independent)
            guard values.count == count, values.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
                throw fault("/conditions/\(name) is not \(count) numbers from 0 on, one for each trajectory")
            }
            return values
        }
        temperatures = try conditions("temperature")
        ionizationRates = try conditions("ionization_rate")
    }

    /// Densities of some trajectories and times. Not collective.
    ///
    /// - Returns: [trajectory, time, species]
    /// - Throws: `AbundanceError` that names the place of what is no number.
    public func read(trajectories: Range<Int>, times range: Range<Int>? = nil) throws -> [Double] {
        let range = range ?? 0..<times.count
        let values = try log10.read(
            Double.self, .box(
                offset: [trajectories.lowerBound, range.lowerBound, 0],
                count: [trajectories.count, range.count, species.count]), transfer: .independent)
        if let place = values.firstIndex(where: { !$0.isFinite }) {
            let (time, trajectory) = (place / species.count % range.count, place / species.count / range.count)
            throw AbundanceError(
                file: path, reason: "the density of \(species[place % species.count]) in trajectory "
                    + "\(trajectories.lowerBound + trajectory) at time \(range.lowerBound + time) is no finite number")
        }
        return values
    }

    /// Where each species of a network is in this file.
    ///
    /// - Throws: `AbundanceError` where the species are not the same.
    public func places(of network: ReactionNetwork) throws -> [Int] {
        if let other = species.first(where: { network.index(of: $0) == nil }) {
            let nearest = NearestName.of(other, in: network.species.map(\.name)).map { "; the nearest is \($0)" } ?? ""
            throw AbundanceError(file: path, reason: "the network \(network.name) has no species \(other)\(nearest)")
        }
        return try network.species.map { wanted in
            guard let place = species.firstIndex(of: wanted.name) else {
                throw AbundanceError(file: path, reason: "it has no densities of \(wanted.name), a species of \(network.name)")
            }
            return place
        }
    }

    /// The surroundings of a trajectory: the file's own, else the network's.
    ///
    /// - Throws: `AbundanceError` where neither says.
    public func conditions(of trajectory: Int, _ network: ReactionNetwork) throws -> Conditions {
        var conditions = network.conditions
        if conditions == nil, let temperatures, let ionizationRates {
            conditions = Conditions(temperature: temperatures[trajectory], ionizationRate: ionizationRates[trajectory])
        }
        guard var conditions else {
            throw AbundanceError(
                file: path, reason: "neither it nor \(network.name) says temperature and ionization rate")
        }
        if let temperatures { conditions.temperature = temperatures[trajectory] }
        if let ionizationRates { conditions.ionizationRate = ionizationRates[trajectory] }
        return conditions
    }
}
