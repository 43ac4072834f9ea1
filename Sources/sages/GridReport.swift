import Diagnostics
import Grid
import SAGESnet

/// What `sages evaluate` prints of a model of a grid's cells.
struct GridReport {
    let model: String
    let data: String
    let cells: Extent3
    let steps: GridEvaluation
    let rollout: GridEvaluation?

    // MARK: JSON

    var json: JSONValue {
        var result: JSONValue.Members = [
            "kind": "sagesnet", "model": .string(model), "data": .string(data), "samples": .integer(steps.frames),
            "cells": [.integer(cells.z), .integer(cells.y), .integer(cells.x)],
            "seconds": .number(steps.seconds), "step_cell_accuracy": .number(steps.cellAccuracy),
            "step_exact_frames": .integer(steps.exactFrames), "step_wrong_cells": .integer(steps.wrong),
        ]
        var persistence: JSONValue.Members = ["step_cell_accuracy": accuracy(steps, steps.wrongOfPersistence)]
        var zero: JSONValue.Members = ["step_cell_accuracy": accuracy(steps, steps.wrongOfZero)]
        if let rollout {
            result["rollout_steps"] = .integer(rollout.frames)
            result["cell_accuracy"] = .number(rollout.cellAccuracy)
            result["exact_frames"] = .integer(rollout.exactFrames)
            result["wrong_cells"] = .integer(rollout.wrong)
            result["first_wrong_step"] = rollout.firstWrongFrame.map { .integer($0) } ?? .null
            result["rollout_seconds"] = .number(rollout.seconds)
            persistence["cell_accuracy"] = accuracy(rollout, rollout.wrongOfPersistence)
            zero["cell_accuracy"] = accuracy(rollout, rollout.wrongOfZero)
        }
        result["baselines"] = ["persistence": .object(persistence), "zero": .object(zero)]
        return .object(result)
    }

    private func accuracy(_ evaluation: GridEvaluation, _ wrong: Int) -> JSONValue {
        .number(evaluation.accuracy(wrong: wrong))
    }

    // MARK: Text

    var text: String {
        var lines = ["\(model) on \(data): \(cells) cells", ""]
        lines += table("Single steps from \(steps.frames) frames in \(Digits.three(steps.seconds)) s", steps)
        if let rollout {
            lines += [""] + table("Rollout of \(rollout.frames) steps in \(Digits.three(rollout.seconds)) s", rollout)
        }
        return lines.joined(separator: "\n")
    }

    private func table(_ title: String, _ evaluation: GridEvaluation) -> [String] {
        func row(_ name: String, _ wrong: Int) -> String {
            HelpText.padded(name, 20) + HelpText.padded("\(percent(evaluation.accuracy(wrong: wrong))) of cells right", 30)
                + "\(wrong) wrong"
        }
        let first = evaluation.firstWrongFrame.map { ", the first wrong one is number \($0)" } ?? ""
        return [
            title, row("model", evaluation.wrong),
            HelpText.padded("", 20) + "\(evaluation.exactFrames) of \(evaluation.frames) frames exact\(first)",
            row("no change", evaluation.wrongOfPersistence), row("empty grid", evaluation.wrongOfZero),
        ]
    }

    /// All of them is 100 %, and nothing else.
    private func percent(_ part: Double) -> String {
        part == 1 ? "100 %" : "\(min(99.9999, (1_000_000 * part).rounded(.down) / 10_000)) %"
    }
}
