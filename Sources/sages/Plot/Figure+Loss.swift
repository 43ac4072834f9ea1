/// Loss curves of a training.
extension GnuplotFigure {
    /// Every column whose name has "loss" in it, on a logarithmic axis, and the learning rate below.
    ///
    /// - Returns: `nil` where the table has no loss.
    static func loss(_ table: MetricsTable) -> GnuplotFigure? {
        guard let steps = table.column("step") else { return nil }
        var losses: [Series] = []
        for name in table.names where name.lowercased().contains("loss") {
            guard let values = table.column(name) else { continue }
            let points = zip(steps, values).filter { $0.1.isFinite && $0.1 > 0 }
            guard !points.isEmpty else { continue }
            // Validation is measured now and then.
            let isSparse = points.count < steps.count / 2 || points.count < 3
            losses.append(Series(label: words(name), x: points.map(\.0), y: points.map(\.1),
                                 style: isSparse ? .marked : .line, color: losses.count))
        }
        guard let first = losses.first, let begin = first.y.first, let end = first.y.last else { return nil }
        var panels = [Panel(heading: "Loss", xLabel: "step", yLabel: "loss", isLogarithmic: true, series: losses)]
        if let rates = table.column("learningRate"), rates.contains(where: { $0.isFinite }) {
            panels.append(Panel(heading: "Learning rate", xLabel: "step", yLabel: "learning rate",
                                series: [Series(label: "", x: steps, y: rates, color: 2)]))
        }
        let direction = end < begin ? "falls" : "goes"
        var title = "The loss \(direction) from \(Digits.three(begin)) to \(Digits.three(end)) in \(Int(steps.last ?? 0)) steps"
        if let validation = losses.first(where: { $0.label.lowercased().contains("validation") }),
           let best = validation.y.min() {
            title += "; the best validation loss is \(Digits.three(best))"
        }
        return GnuplotFigure(name: "loss", title: title, panels: panels)
    }

    /// "validationLoss" as "validation loss".
    private static func words(_ name: String) -> String {
        var text = ""
        for character in name {
            if character.isUppercase, !text.isEmpty { text += " " }
            text += character == "_" ? " " : character.lowercased()
        }
        return text
    }
}
