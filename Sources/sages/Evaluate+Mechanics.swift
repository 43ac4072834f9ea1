import Diagnostics
import MPI
import SAGESnet
import Trajectory

/// Elastic constants and stresses of a SAGESnet model.
extension Evaluate {
    private static let components = ["xx", "yy", "zz", "yz", "xz", "xy"]

    func evaluateElasticConstants(strain: Double, _ communicator: Communicator) throws {
        let (model, parameters, _, _) = try SAGESnetModel.load(self.model, as: Double.self, communicator: communicator)
        let start = try communicator.agree {
            try SimulationStart(data, frame: frame, for: model, communicator: .selfOnly)
        }
        let begin = MPIEnvironment.wallTime()
        guard let figures = try ElasticEvaluation.run(
            model, parameters: parameters, start: start, strain: strain, communicator: communicator) else { return }
        let seconds = MPIEnvironment.wallTime() - begin
        guard !isJSON else {
            let result: JSONValue = [
                "kind": "sagesnet", "model": .string(self.model), "data": .string(data), "samples": 1,
                "atoms": .integer(figures.atomCount), "seconds": .number(seconds), "unit": .string(figures.unit),
                "strain": .number(strain), "stiffness": .array(figures.stiffness.map { .array($0.map { .number($0) }) }),
            ]
            return print(result.text)
        }
        print("\(self.model) on \(data): \(figures.atomCount) atoms at rest, strained by \(Digits.three(strain)), \(figures.unit)\n")
        print(row("", Self.components))
        for (name, values) in zip(Self.components, figures.stiffness) {
            print(row("stress \(name) / strain", values.map { Digits.three($0) }))
        }
    }

    func evaluateStress(_ communicator: Communicator) throws {
        let (model, parameters, _, _) = try SAGESnetModel.load(self.model, as: Double.self, communicator: communicator)
        let run = try communicator.agree { try AtomRun(data, for: model.configuration) }
        let begin = MPIEnvironment.wallTime()
        let figures = try StressEvaluation(model, parameters: parameters, run: run, communicator: communicator)
        guard communicator.rank == 0 else { return }
        let seconds = MPIEnvironment.wallTime() - begin
        guard !isJSON else {
            let result: JSONValue = [
                "kind": "sagesnet", "model": .string(self.model), "data": .string(data),
                "samples": .integer(figures.frames.count), "atoms": .integer(run.atomCount), "seconds": .number(seconds),
                "unit": .string(figures.unit),
                "frames": .array(figures.frames.map { frame in
                    [
                        "edges": .array(frame.edges.map { .number($0) }), "temperature": .number(frame.temperature),
                        "stress_change": .array(frame.stressChange.map { .number($0) }),
                        "potential_energy": .number(frame.potentialEnergy),
                    ]
                }),
            ]
            return print(result.text)
        }
        print("\(self.model) on \(data): change of the stress of \(run.atomCount) atoms from the first frame, \(figures.unit)\n")
        print(row("box (Å)", Self.components + ["K", "eV/atom"]))
        for frame in figures.frames {
            let edges = frame.edges.map { Digits.three($0) }.joined(separator: " x ")
            print(row(edges, (frame.stressChange + [frame.temperature, frame.potentialEnergy]).map { Digits.three($0) }))
        }
    }

    private func row(_ name: String, _ columns: [String]) -> String {
        HelpText.padded(name, 24) + columns.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }.joined()
    }
}
