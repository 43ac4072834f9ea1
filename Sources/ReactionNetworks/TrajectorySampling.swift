import Configuration
import Foundation
import Tensor

/// A quantity that differs from trajectory to trajectory.
public struct SampledQuantity: Configurable, Sendable, Equatable {
    public enum Distribution: String, Sendable, CaseIterable, ConfigurationChoice {
        case uniform
        /// Of the logarithm.
        case logUniform
    }

    public let distribution: Distribution
    public let from, to: Double

    public init(from section: ConfigurationSection) throws {
        distribution = try section.value("distribution", default: .logUniform, "how values are spread")
        let from = try section.value("from", as: Double.self, in: .atLeast(0), "the least value")
        let to = try section.value("to", as: Double.self, in: .atLeast(0), "the greatest value")
        (self.from, self.to) = (from, to)
        try section.require(to >= from, "to", "it is less than from (\(from))")
        try section.require(distribution == .uniform || from > 0, "from", "a logarithm needs more than 0")
    }

    /// The value at a place from 0 to 1.
    func value(at place: Double) -> Double {
        switch distribution {
        case .uniform: from + (to - from) * place
        case .logUniform: from * pow(to / from, place)
        }
    }
}

/// Species whose densities are drawn for each trajectory, each on its own.
public struct SampledAbundances: Configurable, Sendable, Equatable {
    public let species: [String]
    /// Of the total density.
    public let range: SampledQuantity

    public init(from section: ConfigurationSection) throws {
        species = try section.list("species", count: .atLeast(1), "their names")
        range = try section.section("range", "parts of the total density")
    }
}

/// A species whose density follows from those of others.
public struct DerivedAbundance: Configurable, Sendable, Equatable {
    public let species: String
    public let factor: Double
    public let sumOf: [String]

    public init(from section: ConfigurationSection) throws {
        species = try section.value("species", "its name")
        factor = try section.value("factor", default: 1, in: .atLeast(0), "by which the sum is multiplied")
        sumOf = try section.list("sumOf", count: .atLeast(1), "the species whose densities are added up")
    }
}

/// How the starts of trajectories are drawn: the configuration of `sages generate chemistry --config`.
///
/// Each trajectory has random numbers of its own, so that it is the same for any number of trajectories and ranks.
public struct TrajectorySampling: Configurable, Sendable, Equatable {
    public let trajectories: Int
    public let seed: Int
    public let firstTime, lastTime: Double
    public let timeCount: Int
    /// cm^-3, K, 1/s.
    public let density, temperature, ionizationRate: SampledQuantity
    /// Of the total density, of species that the list does not name.
    public let floor: Double
    /// What has the total density, and what makes up for the charge of all others.
    public let main, electrons: String
    public let sampled: SampledAbundances
    public let derived: DerivedAbundance?

    public init(from section: ConfigurationSection) throws {
        trajectories = try section.value("trajectories", in: .atLeast(1), "how many are made")
        seed = try section.value("seed", default: 1, in: .atLeast(0), "of the random numbers")
        firstTime = try section.value("firstTime", default: 1e-6, in: .above(0), unit: "yr", "the time of the start")
        lastTime = try section.value("lastTime", default: 1e8, in: .above(0), unit: "yr", "the last time")
        timeCount = try section.value("times", default: 100, in: .atLeast(2), "times, evenly spaced in their logarithm")
        density = try section.section("density", "the total density, cm^-3")
        temperature = try section.section("temperature", "K")
        ionizationRate = try section.section("ionizationRate", "by cosmic rays, 1/s")
        floor = try section.value("floor", default: 1e-20, in: .above(0), "of the total density, what species have that are not named")
        main = try section.value("main", default: "H2", "the species that has the total density")
        electrons = try section.value("electrons", default: "e-", "the species that makes up for the charge of all others")
        sampled = try section.section("sampled", "species whose densities are drawn")
        derived = try section.optionalSection("derived", "a species whose density follows from theirs")
        let (first, last) = (firstTime, lastTime)
        try section.require(last > first, "lastTime", "it must come after firstTime (\(first))")
    }

    /// The times of every trajectory, yr.
    public var times: [Double] {
        (0..<timeCount).map {
            $0 == timeCount - 1 ? lastTime : firstTime * pow(lastTime / firstTime, Double($0) / Double(timeCount - 1))
        }
    }
}

extension TrajectorySampling {
    /// The starts for a network.
    ///
    /// - Throws: `NetworkError` for a species that the network has not.
    public func start(_ network: ReactionNetwork) throws -> TrajectoryGeneration.Start {
        func place(_ name: String) throws -> Int {
            guard let index = network.index(of: name) else {
                throw NetworkError(
                    file: network.name, reason: "it has no species \(name), which the sampling names", exitStatus: .usage)
            }
            return index
        }
        let (main, electrons) = (try place(main), try place(electrons))
        let drawn = try sampled.species.map(place)
        let derived = try derived.map { (place: try place($0.species), factor: $0.factor, of: try $0.sumOf.map(place)) }
        var start = TrajectoryGeneration.Start(log10: [], conditions: [])
        for trajectory in 0..<trajectories {
            var random = Philox(seed: UInt64(seed), epoch: 0, sample: trajectory)
            let total = density.value(at: random.nextUniform())
            start.conditions.append(
                Conditions(
                    temperature: temperature.value(at: random.nextUniform()),
                    ionizationRate: ionizationRate.value(at: random.nextUniform())))
            var parts = [Double](repeating: floor, count: network.species.count)
            parts[main] = 1
            for species in drawn { parts[species] = sampled.range.value(at: random.nextUniform()) }
            if let derived { parts[derived.place] = derived.factor * derived.of.reduce(0) { $0 + parts[$1] } }
            let charge = parts.indices.reduce(0.0) { sum, species in
                species == electrons ? sum : sum + Double(network.species[species].charge) * parts[species]
            }
            parts[electrons] = max(charge, floor)
            start.log10 += parts.map { Foundation.log10(total * $0) }
        }
        return start
    }
}
