import Diagnostics
import SAGESnet

extension Arguments {
    /// `NAME=VALUE` for each `--environment`.
    func environment() throws -> [EnvironmentVariable: Double] {
        var values: [EnvironmentVariable: Double] = [:]
        for assignment in all("environment") {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let value = Double(parts[1]), value.isFinite else {
                throw fault("--environment \(assignment) is not NAME=NUMBER")
            }
            guard let variable = EnvironmentVariable(rawValue: parts[0]) else {
                let names = EnvironmentVariable.allCases.map(\.rawValue)
                let nearest = NearestName.of(parts[0], in: names).map { "; did you mean \($0)?" } ?? ""
                throw fault("there is no environment variable '\(parts[0])'\(nearest)")
            }
            values[variable] = value
        }
        return values
    }
}
