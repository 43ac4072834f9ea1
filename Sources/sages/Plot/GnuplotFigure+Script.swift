/// The figure as a gnuplot script with its data inline, which can be kept, changed and run again.
extension GnuplotFigure {
    private var rows: Int { (panels.count + columns - 1) / columns }
    private var hasPlanes: Bool { panels.contains { $0.isPlane } }

    /// Width and height in units of 1/96 inch; pictures have twice as many pixels.
    private var size: (width: Int, height: Int) {
        if hasPlanes { return (columns * 480, titleHeight + rows * 376) }
        return (columns == 1 ? 780 : columns * 520, titleHeight + rows * (rows == 1 ? 400 : 300))
    }

    private var titleLines: [String] {
        HelpText.wrapped(title, indentation: 0).split(separator: "\n").flatMap { line in
            // About 9 units a character at this size of font.
            Self.wrapped(String(line), width: (columns == 1 && !hasPlanes ? 780 : columns * 480) / 9)
        }
    }

    private var titleHeight: Int { 26 + 22 * titleLines.count }

    /// - Parameter output: the path of the picture.
    func script(output: String, format: Format) -> String {
        let (width, height) = size
        var text = "# Figure of SAGES; draw it again with: gnuplot THIS_FILE\n"
        for (number, panel) in panels.enumerated() { text += data(of: panel, number) }
        switch format {
        case .png:
            text += "set terminal pngcairo noenhanced size \(2 * width),\(2 * height) font 'DejaVu Sans,10' "
                + "fontscale 2 linewidth 2 background '#ffffff'\n"
        case .svg:
            text += "set terminal svg noenhanced size \(width),\(height) font 'DejaVu Sans,11' background '#ffffff'\n"
        }
        text += """
            set output \(Self.quoted(output))
            set encoding utf8
            set datafile missing 'NaN'
            set border 3 linecolor rgb '#606060' linewidth 0.8
            set tics nomirror out scale 0.6 textcolor rgb '#303030'
            set grid back linetype 1 linecolor rgb '#E0E0E0' linewidth 0.7
            set autoscale xfix
            set key noenhanced at graph 1,1.02 bottom right horizontal Right samplen 2 spacing 1.1 textcolor rgb '#303030'
            set palette defined (\(Self.scale.enumerated().map { "\($0.offset) '\($0.element)'" }.joined(separator: ", ")))
            set multiplot
            set label 1 \(Self.quoted(titleLines.joined(separator: "\n"))) at screen \(8.0 / Double(width)), \
            screen \(1 - 20 / Double(height)) left font 'DejaVu Sans:Bold,12' textcolor rgb '#101010'

            """
        for (number, panel) in panels.enumerated() {
            text += draw(panel, number, width: Double(width), height: Double(height))
            // The title belongs to the whole figure.
            if number == 0 { text += "unset label 1\n" }
        }
        return text + "unset multiplot\nset output\n"
    }

    /// Inline data; what gnuplot cannot draw is left out.
    private func data(of panel: Panel, _ number: Int) -> String {
        var text = ""
        if let image = panel.image {
            text += "$image\(number) << END\n"
            for row in 0..<image.rows {
                let values = image.values[row * image.columns..<(row + 1) * image.columns]
                text += values.map { Self.number($0) }.joined(separator: " ") + "\n"
            }
            text += "END\n"
        }
        if let disks = panel.disks {
            text += "$disks\(number) << END\n"
            for index in disks.x.indices {
                text += [disks.x[index], disks.y[index], disks.values[index]].map(Self.number).joined(separator: " ") + "\n"
            }
            text += "END\n"
        }
        for (index, series) in panel.series.enumerated() {
            text += "$series\(number)_\(index) << END\n"
            for (x, y) in zip(series.x, series.y) where x.isFinite {
                let isDrawn = y.isFinite && (!panel.isLogarithmic || y > 0)
                text += "\(Self.number(x)) \(isDrawn ? Self.number(y) : "NaN")\n"
            }
            text += "END\n"
        }
        return text
    }

    private func draw(_ panel: Panel, _ number: Int, width: Double, height: Double) -> String {
        let row = Double(number / columns), column = Double(number % columns)
        let area = (height - Double(titleHeight)) / height
        let cell = (width: 1 / Double(columns), height: area / Double(rows))
        let left = column * cell.width + 104 / width
        let right = (column + 1) * cell.width - (panel.isPlane ? 106 : 24) / width
        let top = area - row * cell.height - 34 / height
        let bottom = area - (row + 1) * cell.height + 52 / height
        var text = """
            set lmargin at screen \(left); set rmargin at screen \(right)
            set tmargin at screen \(top); set bmargin at screen \(bottom)
            set label 2 \(Self.quoted(panel.heading)) at graph 0, graph 1 left offset 0,0.8 textcolor rgb '#303030'
            set xlabel \(Self.quoted(panel.xLabel)); set ylabel \(Self.quoted(panel.yLabel)) offset -0.8
            \(panel.isLogarithmic ? "set logscale y; set format y '%g'" : "unset logscale; set format y '%g'")

            """
        if let plane = plane(of: panel, number) { return text + plane }
        text += "set xrange [\(Self.range(panel.xRange))]; set yrange [\(Self.range(panel.yRange))]\n"
        // What is compared with lies behind.
        let order = panel.series.indices.sorted { a, b in
            Self.depth(panel.series[a].style) > Self.depth(panel.series[b].style)
        }
        let curves = order.map { index in
            let series = panel.series[index]
            let color = switch series.style {
            case .reference: Self.referenceColor
            case .level: Self.levelColor
            case .line, .marked: Self.palette[series.color % Self.palette.count]
            }
            let style = switch series.style {
            case .line: "lines linewidth 1.4"
            case .reference: "lines linewidth 3.6"
            case .level: "lines linewidth 1.2 dashtype (6, 4)"
            case .marked: "linespoints linewidth 1.4 pointtype 7 pointsize 0.5"
            }
            let title = series.label.isEmpty ? "notitle" : "title \(Self.quoted(series.label))"
            return "$series\(number)_\(index) using 1:2 with \(style) linecolor rgb '\(color)' \(title)"
        }
        return text + "plot " + curves.joined(separator: ", \\\n     ") + "\n"
    }

    /// What a panel of a plane draws behind its labels; nil for panels of curves.
    private func plane(of panel: Panel, _ number: Int) -> String? {
        func drawn(
            _ width: Double, _ height: Double, _ scaleLabel: String, hasEqualScales: Bool = true, _ plot: String
        ) -> String {
            """
            \(hasEqualScales ? "set size ratio -1" : "set size noratio")
            unset grid
            set cblabel \(Self.quoted(scaleLabel)) offset 1.2
            set colorbox noborder
            set xrange [0:\(width)]; set yrange [0:\(height)]
            \(plot)
            set size noratio

            """
        }
        if let image = panel.image {
            let stepX = image.width / Double(image.columns), stepY = image.height / Double(image.rows)
            return drawn(image.width, image.height, image.scaleLabel, hasEqualScales: image.hasEqualScales, """
                set autoscale cb
                plot $image\(number) matrix using (($1 + 0.5) * \(stepX)):(($2 + 0.5) * \(stepY)):3 with image notitle
                """)
        }
        if let disks = panel.disks {
            // Of classes the first is gray, what the others stand out from.
            let colors = (0..<max(2, disks.classes)).map { index in
                index == 0 ? Self.referenceColor : Self.palette[(index - 1) % Self.palette.count]
            }
            let scale = disks.classes == 0
                ? "set cbrange [0:\(disks.largest)]"
                : "set palette maxcolors \(colors.count) defined ("
                    + colors.enumerated().map { "\($0.offset) '\($0.element)'" }.joined(separator: ", ") + ")\n"
                    + "set cbrange [-0.5:\(Double(colors.count) - 0.5)]; set cbtics 1"
            return drawn(disks.width, disks.height, disks.scaleLabel, """
                \(scale)
                set style fill solid noborder
                plot $disks\(number) using 1:2:(\(disks.radius)):3 with circles linecolor palette notitle
                """)
        }
        return nil
    }

    /// Larger lies farther behind.
    private static func depth(_ style: Series.Style) -> Int {
        switch style {
        case .reference: 2
        case .level: 1
        case .line, .marked: 0
        }
    }

    /// A string in gnuplot's double quotes, where a line end can be written.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            switch character {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "`": result += "'"
            default: result.append(character)
            }
        }
        return result + "\""
    }

    private static func number(_ value: Double) -> String { value.isFinite ? "\(Float(value))" : "NaN" }

    private static func range(_ range: ClosedRange<Double>?) -> String {
        range.map { "\($0.lowerBound):\($0.upperBound)" } ?? "*:*"
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count + 1 > width, !lines[lines.count - 1].isEmpty { lines.append("") }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
        }
        return lines
    }
}
