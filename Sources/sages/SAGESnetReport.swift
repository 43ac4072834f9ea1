import Diagnostics
import SAGESnet

/// What `sages evaluate` prints of a SAGESnet model.
struct SAGESnetReport {
    let model: String
    let data: String
    let step: StepEvaluation
    /// Of the comparison of single steps.
    let seconds: Double

    private typealias Errors = StepEvaluation.Errors

    private func ratios(_ errors: Errors) -> (position: Double, velocity: Double) {
        (errors.position / step.ballistic.position, errors.velocity / step.ballistic.velocity)
    }

    // MARK: JSON

    func json(_ rollout: RolloutEvaluation?) -> JSONValue {
        var result: JSONValue.Members = [
            "kind": "sagesnet", "model": .string(model), "data": .string(data), "samples": .integer(step.samples),
            "atoms": .integer(step.atomCount), "seconds": .number(seconds),
        ]
        add(step.model, to: &result)
        result["largest_velocity_correction"] = .number(step.largestVelocityCorrection)
        result["largest_displacement_correction"] = .number(step.largestDisplacementCorrection)
        result["baselines"] = [
            "ballistic": members(step.ballistic), "linear": step.linear.map(members) ?? .null,
            "persistence": members(step.persistence),
        ]
        if let reason = step.linearUnavailable { result["linear_unavailable"] = .string(reason) }
        if let rollout { Self.add(rollout, to: &result) }
        return .object(result)
    }

    private func members(_ errors: Errors) -> JSONValue {
        var result = JSONValue.Members()
        add(errors, to: &result)
        return .object(result)
    }

    private func add(_ errors: Errors, to result: inout JSONValue.Members) {
        result["position_rmse"] = .number(errors.position)
        result["velocity_rmse"] = .number(errors.velocity)
        result["position_ratio"] = .number(ratios(errors).position)
        result["velocity_ratio"] = .number(ratios(errors).velocity)
    }

    static func add(_ rollout: RolloutEvaluation, to result: inout JSONValue.Members) {
        func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        result["rollout_steps"] = .integer(rollout.steps)
        result["rollout_steps_done"] = .integer(rollout.stepsDone)
        result["rollout_failure"] = rollout.failure.map { .string($0) } ?? .null
        result["temperature_drift"] = number(rollout.temperatureTrend?.slope)
        result["temperature_drift_error"] = number(rollout.temperatureTrend?.slopeError)
        result["temperature_mean"] = .number(rollout.temperatureMean)
        result["temperature_reference"] = .number(rollout.temperatureReference)
        result["rdf_error"] = number(rollout.rdfError)
        result["rdf_error_reference"] = number(rollout.rdfErrorReference)
        result["rdf_peak"] = number(rollout.rdfPeak)
        let vibration = rollout.vibration
        result["vacf_error"] = number(vibration?.correlationError)
        result["vacf_error_reference"] = number(vibration?.correlationErrorReference)
        result["vacf_longest_lag"] = number(vibration?.lag)
        result["spectrum_error"] = number(vibration?.spectrumError)
        result["spectrum_error_reference"] = number(vibration?.spectrumErrorReference)
        result["spectrum_peak"] = number(vibration?.peak)
        result["spectrum_peak_reference"] = number(vibration?.peakReference)
        result["displacement"] = number(rollout.displacement?.meanSquare)
        result["displacement_reference"] = number(rollout.displacement?.meanSquareReference)
        result["displacement_time"] = number(rollout.displacement?.time)
        result["out_of_plane"] = number(rollout.sheet?.amplitude)
        result["out_of_plane_reference"] = number(rollout.sheet?.amplitudeReference)
        result["out_of_plane_first_half"] = number(rollout.sheet?.amplitudeOfFirstHalf)
        result["out_of_plane_second_half"] = number(rollout.sheet?.amplitudeOfSecondHalf)
        result["atoms_lost"] = .integer(rollout.atomsLost)
        result["mass_drift"] = .number(rollout.massDrift)
        result["momentum_drift"] = .number(rollout.momentumDrift)
        result["momentum_drift_relative"] = .number(rollout.relativeMomentumDrift)
        result["rollout_largest_velocity_correction"] = .number(rollout.largestVelocityCorrection)
        result["rollout_largest_displacement_correction"] = .number(rollout.largestDisplacementCorrection)
        result["rollout_seconds"] = .number(rollout.seconds)
        result["seconds_per_picosecond"] = .number(rollout.secondsPerPicosecond)
    }

    // MARK: Text

    func text(_ rollout: RolloutEvaluation?) -> String {
        var lines = [
            "\(model) on \(data): \(step.samples) steps of \(step.atomCount) atoms in \(Digits.three(seconds)) s", "",
            Self.row("One step", ["position RMSE (Å)", "of ballistic", "velocity RMSE (Å/ps)", "of ballistic"]),
            row("model", step.model),
        ]
        if let linear = step.linear { lines.append(row("linear regression", linear)) }
        lines += [row("ballistic", step.ballistic), row("persistence", step.persistence)]
        if let reason = step.linearUnavailable { lines.append("no linear regression: \(reason)") }
        if let rollout { lines += [""] + Self.lines(rollout, atomCount: step.atomCount) }
        return lines.joined(separator: "\n")
    }

    private func row(_ name: String, _ errors: Errors) -> String {
        let ratios = ratios(errors)
        return Self.row(
            name,
            [errors.position, ratios.position, errors.velocity, ratios.velocity].map { Digits.three($0) })
    }

    static func row(_ name: String, _ columns: [String]) -> String {
        let widths = [20, 15, 23, 15]
        return HelpText.padded(name, 20) + zip(columns, widths).map { column, width in
            String(repeating: " ", count: max(1, width - column.count)) + column
        }.joined()
    }

    static func lines(_ rollout: RolloutEvaluation, atomCount: Int) -> [String] {
        func line(_ name: String, _ value: String) -> String { HelpText.padded(name, 28) + value }
        func beside(_ value: Double?, _ reference: Double?) -> String? {
            guard let value, let reference else { return nil }
            return "\(Digits.three(value)) (between the halves of the data: \(Digits.three(reference)))"
        }
        var lines = [
            "Rollout of \(rollout.stepsDone) steps in \(Digits.three(rollout.seconds)) s, "
                + "\(Digits.three(rollout.secondsPerPicosecond)) s a picosecond"
                + (rollout.failure.map { ", not \(rollout.steps): \($0)" } ?? ""),
            line(
                "temperature",
                "\(Digits.three(rollout.temperatureMean)) K on average (data: "
                    + "\(Digits.three(rollout.temperatureReference)) K)"),
        ]
        if let trend = rollout.temperatureTrend {
            let error = trend.slopeError.map { " ± \(Digits.three($0))" } ?? ""
            lines.append(line("temperature drift", "\(Digits.three(trend.slope))\(error) K/ps"))
        }
        if let text = beside(rollout.rdfError, rollout.rdfErrorReference), let peak = rollout.rdfPeak {
            lines.append(line("largest difference of g(r)", "\(text), highest peak \(Digits.three(peak))"))
        }
        if let vibration = rollout.vibration {
            let lag = Digits.three(vibration.lag)
            if let text = beside(vibration.correlationError, vibration.correlationErrorReference) {
                lines.append(line("velocity autocorrelation", "differs by \(text), lags up to \(lag) ps"))
            }
            if let text = beside(vibration.spectrumError, vibration.spectrumErrorReference) {
                lines.append(line("vibrational spectrum", "differs by \(text), peak at \(Digits.three(vibration.peak)) THz "
                                  + "(data: \(Digits.three(vibration.peakReference)) THz)"))
            }
        }
        if let displacement = rollout.displacement {
            lines.append(line(
                "mean-square displacement",
                "\(Digits.three(displacement.meanSquare)) Å² in the second half of \(Digits.three(displacement.time)) ps "
                    + "(data: \(Digits.three(displacement.meanSquareReference)) Å²)"))
        }
        if let sheet = rollout.sheet {
            lines.append(line(
                "out of the mean plane",
                "\(Digits.three(sheet.amplitude)) Å (data: \(Digits.three(sheet.amplitudeReference)) Å; its halves: "
                    + "\(Digits.three(sheet.amplitudeOfFirstHalf)) and \(Digits.three(sheet.amplitudeOfSecondHalf)) Å)"))
        }
        return lines + [
            line("atoms lost", "\(rollout.atomsLost) of \(atomCount)"),
            line("drift of mass", "\(Digits.three(rollout.massDrift)) u"),
            line(
                "drift of momentum",
                "\(Digits.three(rollout.momentumDrift)) u Å/ps, \(Digits.three(rollout.relativeMomentumDrift)) of the thermal"),
            line(
                "taken out by conservation",
                "at most \(Digits.three(rollout.largestVelocityCorrection)) Å/ps and "
                    + "\(Digits.three(rollout.largestDisplacementCorrection)) Å a step"),
        ]
    }
}
