import Diagnostics
import MPI
import Trajectory
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// `sages plot`: pictures of a trajectory and of training metrics.
struct Plot: Verb {
    static let specification = VerbSpecification.plot

    let trajectory: String?
    let reference: String?
    let metrics: String?
    /// Tables of the potential energies of the trajectory's frames, and of the reference's.
    let energies, referenceEnergies: String?
    let folder: String
    let format: GnuplotFigure.Format
    let keepsScripts: Bool
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        trajectory = arguments.positionals.first
        reference = arguments.text("reference")
        metrics = arguments.text("metrics")
        energies = arguments.text("energies")
        referenceEnergies = arguments.text("reference-energies")
        folder = try arguments.requiredText("out")
        format = GnuplotFigure.Format(rawValue: try arguments.requiredText("format")) ?? .png
        keepsScripts = arguments.isGiven("scripts")
        isJSON = arguments.isGiven("json")
        if trajectory == nil, metrics == nil {
            throw arguments.fault("there is nothing to draw: give FILE.h5, or --metrics FILE.csv, or both")
        }
        if trajectory == nil, reference != nil {
            throw arguments.fault("--reference is what FILE.h5 is compared with; FILE.h5 is missing")
        }
        if trajectory == nil, energies != nil { throw arguments.fault("--energies are those of FILE.h5, which is missing") }
        if reference == nil, referenceEnergies != nil {
            throw arguments.fault("--reference-energies are those of --reference, which is missing")
        }
    }

    /// Rank 0 alone reads, draws and prints.
    func run(_ communicator: Communicator) throws -> ExitStatus {
        guard communicator.rank == 0 else { return .success }
        try makeFolder()
        var figures: [GnuplotFigure] = []
        var result: JSONValue.Members = ["kind": "plot"]
        if let metrics {
            let table = try MetricsTable(path: metrics)
            guard let figure = GnuplotFigure.loss(table) else {
                throw PlotError(exitStatus: .data, description: "\(metrics): it has no column of losses to draw")
            }
            figures.append(figure)
        }
        if let trajectory {
            if try PlottedGrid.isGrid(trajectory) {
                try addGrid(trajectory, to: &figures, &result)
            } else {
                try add(trajectory, to: &figures, &result)
            }
        }

        var files: [JSONValue] = []
        for figure in figures where figure.isDrawable {
            let path = try figure.write(to: folder, format: format, keepsScript: keepsScripts)
            files.append(["file": .string(path), "title": .string(figure.title)])
            if !isJSON { print("\(path): \(figure.title)") }
        }
        result["files"] = .array(files)
        if isJSON { print(JSONValue.object(result).text) }
        return .success
    }

    private func addGrid(_ path: String, to figures: inout [GnuplotFigure], _ result: inout JSONValue.Members) throws {
        let own = try PlottedGrid(path: path, label: Self.label(path, unlike: reference))
        let other = try reference.map { try PlottedGrid(path: $0, label: Self.label($0, unlike: path)) }
        result["frames"] = .integer(own.reader.frameCount)
        result["cells"] = .array(own.reader.cells.map { .integer($0) })
        let (plane, differing) = try GnuplotFigure.plane(own, reference: other)
        figures.append(plane)
        if let differing { result["differing_cells_in_plane"] = .integer(differing) }
        figures.append(try GnuplotFigure.population(own, reference: other))
    }

    private func add(_ path: String, to figures: inout [GnuplotFigure], _ result: inout JSONValue.Members) throws {
        var own = try PlottedTrajectory(path: path, label: Self.label(path, unlike: reference))
        var other = try reference.map { try PlottedTrajectory(path: $0, label: Self.label($0, unlike: path)) }
        if let energies { try own.takeEnergies(fromTable: energies) }
        if let referenceEnergies { try other?.takeEnergies(fromTable: referenceEnergies) }
        result["frames"] = .integer(own.times.count)
        if let trend = own.energyTrend { result["energy_drift"] = Self.members(trend) }
        if let trend = other?.energyTrend { result["energy_drift_reference"] = Self.members(trend) }
        result["atoms"] = .integer(own.atomCount)
        if let figure = GnuplotFigure.temperature(own, reference: other) {
            figures.append(figure)
            let temperatures = own.kineticStates.map(\.temperature)
            result["mean_temperature_K"] = .number(temperatures.reduce(0, +) / Double(temperatures.count))
        } else {
            Message.note("\(path): without velocities there is no temperature to draw")
        }
        if let (figure, difference) = GnuplotFigure.radialDistribution(own, reference: other) {
            figures.append(figure)
            if let difference { result["rdf_largest_difference"] = .number(difference) }
        } else {
            Message.note("\(path): g(r) is drawn for boxes that are periodic along every axis")
        }
        if let figure = GnuplotFigure.motion(own, reference: other) {
            figures.append(figure)
        } else {
            Message.note("\(path): the spectrum needs velocities of at least 16 frames at equal intervals")
        }
        if let other, let figure = GnuplotFigure.rollout(own, reference: other) { figures.append(figure) }
        if let figure = GnuplotFigure.sheet(own, reference: other) { figures.append(figure) }
        if let figure = GnuplotFigure.slice(own, reference: other) { figures.append(figure) }
        if let figure = GnuplotFigure.patterns(own) { figures.append(figure) }
        if let figure = GnuplotFigure.wave(own) { figures.append(figure) }
        figures += GnuplotFigure.slices(ofScalars: own)
    }

    /// meV/ps of an atom.
    private static func members(_ trend: LinearTrend) -> JSONValue {
        ["meV_per_atom_ps": .number(trend.slope), "standard_error": trend.slopeError.map { .number($0) } ?? .null]
    }

    private func makeFolder() throws {
        var made = folder.hasPrefix("/") ? "/" : ""
        for part in folder.split(separator: "/") {
            made += made.isEmpty || made == "/" ? String(part) : "/" + part
            guard mkdir(made, 0o777) == 0 || errno == EEXIST else {
                throw PlotError(exitStatus: .io,
                                description: "\(folder): cannot make the folder: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// The file's name without folder and suffix; the whole path where the other file is called the same.
    private static func label(_ path: String, unlike other: String?) -> String {
        func stem(_ path: String) -> String {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            return name.hasSuffix(".h5") ? String(name.dropLast(3)) : name
        }
        return other.map(stem) == stem(path) ? path : stem(path)
    }
}
