/// A figure: a title that says the finding, and panels in a grid. A value; `write` draws it with gnuplot.
struct GnuplotFigure {
    /// One curve.
    struct Series {
        enum Style {
            /// A thin line in front.
            case line
            /// A broad pale line behind: what is compared with.
            case reference
            /// A thin broken line: the mean of what is compared with.
            case level
            /// A line with a mark at each of a few points.
            case marked
        }

        let label: String
        let x: [Double]
        let y: [Double]
        var style = Style.line
        /// Place in the palette.
        var color = 0
    }

    /// Values on a plane, drawn with a color scale.
    struct Image {
        /// [row, column], row 0 at the bottom.
        let values: [Double]
        let rows: Int
        let columns: Int
        let width: Double
        let height: Double
        /// What the colors mean, with its unit.
        let scaleLabel: String
        /// Whether width and height are lengths of one plane.
        var hasEqualScales = true
    }

    /// Disks on a plane, colored by a value.
    struct Disks {
        let x: [Double]
        let y: [Double]
        let values: [Double]
        let radius: Double
        let width: Double
        let height: Double
        /// The value of the scale's upper end.
        let largest: Double
        /// What the colors mean, with its unit.
        let scaleLabel: String
        /// How many classes the values name, from 0; 0 for values of a scale.
        var classes = 0
    }

    struct Panel {
        /// What this panel shows; above it at the left.
        var heading = ""
        var xLabel = ""
        var yLabel = ""
        var xRange: ClosedRange<Double>?
        var yRange: ClosedRange<Double>?
        var isLogarithmic = false
        var series: [Series] = []
        var image: Image?
        var disks: Disks?

        /// Whether the panel is a picture of a plane, with a color scale beside it.
        var isPlane: Bool { image != nil || disks != nil }
    }

    enum Format: String, CaseIterable {
        case png
        case svg
    }

    /// The file's name without suffix.
    let name: String
    /// The finding, a sentence.
    let title: String
    let panels: [Panel]
    /// Panels side by side.
    var columns = 1

    /// Okabe and Ito's colors, which color-blind people tell apart, the most legible on white first.
    static let palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
    /// Of curves to compare with.
    static let referenceColor = "#B8B8B8"
    static let levelColor = "#707070"
    /// Viridis: uniform in lightness, legible in gray.
    static let scale = ["#440154", "#472D7B", "#3B528B", "#2C728E", "#21918C", "#28AE80", "#5EC962", "#ADDC30", "#FDE725"]

    /// Whether there is anything to draw: gnuplot refuses a panel without a single finite point.
    var isDrawable: Bool {
        !panels.isEmpty && panels.allSatisfy { panel in
            if let image = panel.image { return image.rows > 0 && image.columns > 0 }
            if let disks = panel.disks { return !disks.x.isEmpty }
            return panel.series.contains { series in
                zip(series.x, series.y).contains { $0.isFinite && $1.isFinite && (!panel.isLogarithmic || $1 > 0) }
            }
        }
    }
}
