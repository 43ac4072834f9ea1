import CellularAutomata
import Diagnostics
import Grid
import HDF5
import MPI
import Tensor
import Trajectory

/// `sages generate ca`: an automaton's frames.
struct GenerateAutomaton {
    let ruleText: String
    let rule: AutomatonRule
    let cells: Extent3
    let boundaries: Boundaries
    let frames: Int
    let seed: UInt64
    let density: Double
    let deflate: Int?
    let output: String
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        ruleText = try arguments.requiredText("rule")
        rule = try AutomatonRule(parsing: ruleText)
        cells = try Extent3(parsingZYX: try arguments.requiredText("grid"))
        boundaries = try Boundaries(parsing: try arguments.requiredText("boundary"))
        frames = try arguments.requiredNumber("frames", in: .atLeast(1))
        seed = UInt64(try arguments.requiredNumber("seed", as: Int.self, in: .atLeast(0)))
        density = try arguments.requiredNumber("density", in: .between(0, 1))
        deflate = try arguments.number("deflate", in: .between(1, 9))
        output = try arguments.requiredText("out")
        isJSON = arguments.isGiven("json")
    }

    func run(_ communicator: Communicator) throws -> ExitStatus {
        let begin = MPIEnvironment.wallTime()
        let automaton = try Automaton(rule, cells: cells, boundaries: boundaries, communicator: communicator)
        try automaton.sow(density: density, seed: seed)
        let file = try File.create(output, communicator: communicator)
        let writer = try GridSeriesWriter.create(
            in: file, level: 0, cells: [cells.z, cells.y, cells.x], channels: 1, cellSize: SIMD3(1, 1, 1),
            origin: SIMD3(0, 0, 0), isPeriodic: [boundaries.x, boundaries.y, boundaries.z].map { $0 == .periodic },
            lengthUnit: "cell", timeUnit: "step", deflate: deflate)
        try writeProvenance(to: file)
        let (lower, extent) = (automaton.range.lower, automaton.range.extent)
        let state = Buffer<Float>(repeating: 0, count: automaton.range.count)
        let first = try automaton.population()
        let progress = ProgressReport("automaton", unit: "frames", of: frames)
        for frame in 0..<frames {
            if frame > 0 { try automaton.advance() }
            automaton.write(to: state.span)
            try writer.append(
                UnsafeBufferPointer(state.span), offset: [lower.z, lower.y, lower.x],
                extent: [extent.z, extent.y, extent.x], step: Int64(frame), time: Double(frame))
            progress.advance(to: frame + 1)
        }
        progress.finish()
        try file.close()
        try GridDescription.write(beside: output, communicator)
        let last = try automaton.population()
        let seconds = MPIEnvironment.wallTime() - begin
        if communicator.rank == 0 { report(first, last, seconds, communicator) }
        return .success
    }

    /// Nothing in it depends on the machine or the number of ranks.
    private func writeProvenance(to file: File) throws {
        let group = try file.root.createGroup("provenance")
        try group.setAttribute("program", "sages generate ca")
        try group.setAttribute("version", BuildInformation.version)
        try group.setAttribute("commit", BuildInformation.commit ?? "unknown")
        try group.setAttribute("rule", ruleText)
        try group.setAttribute("seed", seed)
        try group.setAttribute("density", density)
        try group.setAttribute("boundary", boundaries.description)
    }

    private func report(_ first: Int, _ last: Int, _ seconds: Double, _ communicator: Communicator) {
        if isJSON {
            let result: JSONValue = [
                "kind": "automaton", "file": .string(output), "rule": .string(ruleText),
                "cells": [.integer(cells.z), .integer(cells.y), .integer(cells.x)], "frames": .integer(frames),
                "seed": .integer(Int(seed)), "living_first": .integer(first), "living_last": .integer(last),
                "ranks": .integer(communicator.size), "seconds": .number(seconds),
            ]
            print(result.text)
        } else {
            print(
                "\(output): rule \(ruleText), \(cells) cells, \(frames) frames in \(Digits.three(seconds)) s; \(first) cells "
                    + "live in the first, \(last) in the last")
        }
    }
}

/// The XDMF file beside a file of grid fields, which ParaView and VisIt open.
enum GridDescription {
    /// `life.xdmf` for `life.h5`. Collective.
    static func write(beside path: String, _ communicator: Communicator) throws {
        let stem = path.hasSuffix(".h5") ? String(path.dropLast(3)) : path
        try communicator.agree {
            if communicator.rank == 0 { try TrajectoryExport.run(path, format: .xdmf, output: stem + ".xdmf") }
        }
    }
}
