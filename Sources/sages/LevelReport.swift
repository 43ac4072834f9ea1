import Diagnostics
import SAGESnet

/// What `sages evaluate` prints of a model of a coarse level.
struct LevelReport {
    let model: String
    let data: String
    let level: Int

    // MARK: Atoms

    func json(_ step: LevelEvaluation, _ rollout: RolloutEvaluation?) -> JSONValue {
        func add(_ errors: LevelEvaluation.Errors, to result: inout JSONValue.Members) {
            result["position_rmse"] = .number(errors.position)
            result["velocity_rmse"] = .number(errors.velocity)
            result["position_ratio"] = .number(errors.position / step.ballistic.position)
            result["velocity_ratio"] = .number(errors.velocity / step.ballistic.velocity)
        }
        func members(_ errors: LevelEvaluation.Errors) -> JSONValue.Members {
            var result = JSONValue.Members()
            add(errors, to: &result)
            return result
        }
        var result: JSONValue.Members = [
            "kind": "sagesnet", "model": .string(model), "data": .string(data), "level": .integer(level),
            "samples": .integer(step.samples), "atoms": .integer(step.atomCount), "horizon": .integer(step.horizon),
            "seconds_per_ps": .number(step.secondsPerTime),
        ]
        add(step.model, to: &result)
        result["reconstruction"] = .object(members(step.reconstruction))
        var baselines: JSONValue.Members = [
            "ballistic": .object(members(step.ballistic)), "persistence": .object(members(step.persistence)),
        ]
        if let beside = step.beside {
            var levelZero = members(beside)
            levelZero["seconds_per_ps"] = .number(step.secondsPerTimeBeside)
            baselines["level_0"] = .object(levelZero)
        }
        result["baselines"] = .object(baselines)
        self.add(step.spread, to: &result)
        if let rollout { SAGESnetReport.add(rollout, to: &result) }
        return .object(result)
    }

    func text(_ step: LevelEvaluation, _ rollout: RolloutEvaluation?) -> String {
        func row(_ name: String, _ errors: LevelEvaluation.Errors) -> String {
            SAGESnetReport.row(
                name,
                [
                    errors.position, errors.position / step.ballistic.position, errors.velocity,
                    errors.velocity / step.ballistic.velocity,
                ].map { Digits.three($0) })
        }
        var lines = [
            "\(model) on \(data): level \(level), \(step.samples) steps of \(step.atomCount) atoms", "",
            SAGESnetReport.row(
                "\(step.horizon) steps ahead", ["position RMSE (Å)", "of ballistic", "velocity RMSE (Å/ps)", "of ballistic"]),
            row("level \(level)", step.model),
        ]
        if let beside = step.beside { lines.append(row("level 0", beside)) }
        lines += [
            row("ballistic", step.ballistic), row("persistence", step.persistence),
            row("its code, given back", step.reconstruction), "", self.line(step.spread),
            "Cost of 1 ps: \(Digits.three(step.secondsPerTime)) s"
                + (step.beside == nil ? "" : ", of level 0: \(Digits.three(step.secondsPerTimeBeside)) s"),
        ]
        if let rollout { lines += [""] + SAGESnetReport.lines(rollout, atomCount: step.atomCount) }
        return lines.joined(separator: "\n")
    }

    // MARK: Cells

    func json(_ evaluation: LevelGridEvaluation) -> JSONValue {
        func accuracy(_ wrong: Int) -> JSONValue { .number(evaluation.accuracy(wrong, frames: evaluation.samples)) }
        var result: JSONValue.Members = [
            "kind": "sagesnet", "model": .string(model), "data": .string(data), "level": .integer(level),
            "samples": .integer(evaluation.samples),
            "cell_accuracy": .array(evaluation.horizons.map { accuracy($0.model) }),
            "reconstruction_cell_accuracy": .number(
                evaluation.accuracy(evaluation.reconstruction.wrong, frames: evaluation.reconstruction.frames)),
            "seconds_per_step": .number(evaluation.secondsPerStep),
        ]
        var baselines: JSONValue.Members = [
            "persistence": ["cell_accuracy": .array(evaluation.horizons.map { accuracy($0.persistence) })],
            "zero": ["cell_accuracy": .array(evaluation.horizons.map { accuracy($0.zero) })],
        ]
        if evaluation.horizons.first?.beside != nil {
            baselines["level_0"] = [
                "cell_accuracy": .array(evaluation.horizons.map { accuracy($0.beside ?? 0) }),
                "seconds_per_step": .number(evaluation.secondsPerStepBeside),
            ]
        }
        result["baselines"] = .object(baselines)
        add(evaluation.spread, to: &result)
        return .object(result)
    }

    func text(_ evaluation: LevelGridEvaluation) -> String {
        func percent(_ wrong: Int, _ frames: Int) -> String {
            wrong == 0 ? "100 %" : "\(Digits.three(100 * evaluation.accuracy(wrong, frames: frames))) %"
        }
        let names = ["steps ahead", "level \(level)", "level 0", "no change", "empty grid"]
        var lines = [
            "\(model) on \(data): level \(level), \(evaluation.samples) starts", "",
            names.map { HelpText.padded($0, 14) }.joined(),
        ]
        for (index, wrong) in evaluation.horizons.enumerated() {
            let cells = [wrong.model, wrong.beside, wrong.persistence, wrong.zero].map { value in
                HelpText.padded(value.map { percent($0, evaluation.samples) } ?? "-", 14)
            }
            lines.append(HelpText.padded("\(index + 1)", 14) + cells.joined())
        }
        let known = evaluation.reconstruction
        return (lines + [
            "", "Known frames given back from their codes: \(percent(known.wrong, known.frames))", line(evaluation.spread),
        ]).joined(separator: "\n")
    }

    // MARK: Codes

    private func add(_ spread: CodeSpread, to result: inout JSONValue.Members) {
        result["codes"] = .integer(spread.codes)
        result["code_variance"] = .number(spread.meanVariance)
        result["code_effective_rank"] = .number(spread.effectiveRank)
        result["code_is_collapsed"] = .boolean(spread.isCollapsed)
    }

    private func line(_ spread: CodeSpread) -> String {
        "Codes of \(spread.codes) numbers: variance \(Digits.three(spread.meanVariance)), effective rank "
            + "\(Digits.three(spread.effectiveRank))" + (spread.isCollapsed ? "; they have collapsed" : "")
    }
}
