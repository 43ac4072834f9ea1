import Foundation
import Grid
import MPI
import SAGESnetTestSupport
import Tensor
import Training
import Trajectory
@testable import SAGESnet

/// A model of random weights and the atoms that it moves.
struct RandomRollout {
    /// Members of the model's configuration.
    var members: String
    var box = SimulationBox(edges: SIMD3(13, 11, 7))
    var atoms = 150
    var speed = 15.0
    /// Of each face of the box that no atom starts in, Angstrom.
    var margin = 0.0
    /// ps
    var timeStep = 0.01
    /// Root mean square of what the network changes in a step, about, Angstrom/ps.
    var kick = 1.0
    var steps = 6
    var parts: Extent3?
    var frame = 0
    /// From outside.
    var forces: [String] = []

    init(_ members: String) { self.members = members }

    func model() throws -> SAGESnetModel {
        let configuration = try modelConfiguration(members, defaults: ["elements": "[\"H\", \"C\"]", "cell": "1"])
        var normalization = Normalization()
        normalization.offset = 0.3
        normalization.velocity = speed
        normalization.displacement = kick * timeStep
        normalization.kick = kick
        normalization.timeStep = timeStep
        normalization.environmentMean = configuration.environment.map { _ in 300 }
        normalization.environmentSpread = configuration.environment.map { _ in 100 }
        return SAGESnetModel(configuration, normalization)
    }

    /// Weights of a gain that makes the random network's output of the order of one.
    func parameters(_ model: SAGESnetModel) -> Buffer<Float> {
        let parameters = Buffer<Float>(repeating: 0, count: model.layout.count)
        model.layout.initialize(parameters.pointer, seed: 3)
        for index in 0..<parameters.count { parameters.pointer[index] *= 2 }
        // Torsions are silent at first.
        var random = Philox(seed: 4)
        for parameter in model.layout.parameters where parameter.name.hasSuffix("torsion/mixing/weights") {
            for index in 0..<parameter.shape.count { parameters.pointer[parameter.offset + index] = Float(0.05 * random.nextNormal()) }
        }
        return parameters
    }

    /// A simulator at the start. Collective.
    func simulator(
        _ path: String, _ communicator: Communicator, differentiatesKicks: Bool = false
    ) throws -> Simulator<Float> {
        let model = try model()
        let start = try SimulationStart(path, frame: frame, for: model, communicator: communicator)
        let simulator = try Simulator<Float>(
            model: model, parameters: parameters(model), start: start, communicator: communicator, parts: parts,
            differentiatesKicks: differentiatesKicks)
        for force in forces { try simulator.apply(try AppliedForce(parsing: force)) }
        return simulator
    }

    /// The bits of all atoms after all steps. Collective.
    func result(_ path: String, _ communicator: Communicator) throws -> [UInt64] {
        let simulator = try simulator(path, communicator)
        for _ in 0..<steps { try simulator.advance() }
        return try bits(of: simulator, communicator)
    }

    func writeGas(to path: String) throws {
        try Gas(box: box, atoms: atoms, speed: speed).write(to: path, margin: margin)
    }
}

/// Words of an atom in what `bits` returns: id, position, velocity, image.
let wordsOfAtom = 10

/// Everything that is known of the atoms, in the order of ids. Collective.
func bits(of simulator: Simulator<Float>, _ communicator: Communicator) throws -> [UInt64] {
    var words: [UInt64] = []
    for atom in simulator.localAtoms {
        words.append(UInt64(bitPattern: atom.id))
        for axis in 0..<3 { words.append(atom.position[axis].bitPattern) }
        for axis in 0..<3 { words.append(atom.velocity[axis].bitPattern) }
        for axis in 0..<3 { words.append(UInt64(bitPattern: Int64(atom.image[axis]))) }
    }
    let all = try communicator.allGatherV(words).elements
    let order = (0..<(all.count / wordsOfAtom)).sorted { all[wordsOfAtom * $0] < all[wordsOfAtom * $1] }
    return order.flatMap { all[(wordsOfAtom * $0)..<(wordsOfAtom * ($0 + 1))] }
}

/// Totals over all atoms. Collective.
struct Totals {
    var ids: [UInt64] = []
    /// u
    var mass = 0.0
    /// u Angstrom/ps
    var momentum = SIMD3<Double>()
    /// u Angstrom, of positions that are not wrapped.
    var moment = SIMD3<Double>()
    /// Sum of magnitudes of momenta, u Angstrom/ps.
    var motion = 0.0

    init(_ simulator: Simulator<Float>, _ communicator: Communicator) throws {
        let words = try bits(of: simulator, communicator)
        var masses: [UInt64] = []
        for atom in simulator.localAtoms { masses += [UInt64(bitPattern: atom.id), atom.mass.bitPattern] }
        let all = try communicator.allGatherV(masses).elements
        let mass = Dictionary(uniqueKeysWithValues: (0..<(all.count / 2)).map {
            (all[2 * $0], Double(bitPattern: all[2 * $0 + 1]))
        })
        for atom in 0..<(words.count / wordsOfAtom) {
            let word = words[(wordsOfAtom * atom)...].prefix(wordsOfAtom).map { $0 }
            let m = mass[word[0]] ?? .nan
            var velocity = SIMD3<Double>()
            for axis in 0..<3 {
                velocity[axis] = Double(bitPattern: word[4 + axis])
                let image = Double(Int64(bitPattern: word[7 + axis]))
                moment[axis] += m * (Double(bitPattern: word[1 + axis]) + image * simulator.grid.period[axis])
            }
            ids.append(word[0])
            self.mass += m
            momentum += m * velocity
            motion += m * (velocity * velocity).sum().squareRoot()
        }
    }
}

/// Runs `body` with a file that rank 0 makes. Collective.
func withFile(_ communicator: Communicator, _ write: (String) throws -> Void, _ body: (String) throws -> Void) throws {
    try withFolder(communicator) { folder in
        let path = folder + "/data.h5"
        if communicator.rank == 0 { try write(path) }
        try communicator.barrier()
        try body(path)
    }
}
