import Diagnostics
import HDF5

/// Where a simulation's output comes from, for `/provenance` of its file.
///
/// Nothing in it depends on the machine, the number of ranks, the time or how often a run was resumed: equal simulations
/// write equal files.
public struct SimulationProvenance: Sendable {
    /// What ran the simulation, as in "sages simulate".
    public var program: String
    /// The model's resolved configuration, canonical JSON.
    public var configuration: String
    /// The seed that the model was trained with.
    public var seed: UInt64
    /// Names of the model's file and of what the simulation started from, without folders.
    public var model: String
    public var input: String
    /// Further settings by name, such as `boundary`.
    public var settings: [(name: String, value: String)]

    /// - Parameters:
    ///   - model: the path of the model's file.
    ///   - start: where the whole simulation began.
    public init(
        program: String, model: String, configuration: String, seed: UInt64, start: SimulationStart,
        settings: [(name: String, value: String)] = []
    ) {
        let boundaries = (0..<3).map { start.box.boundary($0) == .periodic ? "p" : "o" }.joined(separator: ",")
        self.init(
            program: program, model: model, configuration: configuration, seed: seed, input: start.source,
            startStep: start.step, boundaries: boundaries, settings: settings)
    }

    /// - Parameters:
    ///   - model: the path of the model's file.
    ///   - input: the path of the file that the whole simulation began from, and the step there.
    ///   - boundaries: `p` or `o` for x, y, z.
    public init(
        program: String, model: String, configuration: String, seed: UInt64, input: String, startStep: Int64,
        boundaries: String, settings: [(name: String, value: String)] = []
    ) {
        func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
        self.program = program
        self.configuration = configuration
        self.seed = seed
        self.model = name(model)
        self.input = name(input)
        self.settings = [("start_step", String(startStep)), ("boundary", boundaries)] + settings
    }

    /// Collective.
    func write(to file: File) throws {
        let group = try file.root.createGroup("provenance")
        try group.setAttribute("program", program)
        try group.setAttribute("version", BuildInformation.version)
        try group.setAttribute("commit", BuildInformation.commit ?? "unknown")
        try group.setAttribute("model", model)
        try group.setAttribute("seed", seed)
        try group.setAttribute("input", input)
        for setting in settings { try group.setAttribute(setting.name, setting.value) }
        try group.writeStrings("config", [configuration])
    }
}
