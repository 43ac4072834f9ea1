import Diagnostics
import HDF5

extension PlottedTrajectory {
    init(path: String, label: String) throws {
        let file = try File.open(path)
        let all = try file.root.group("particles/all")
        let position = try all.dataset("position/value")
        let n = position.shape[1], f = position.shape[0]
        self.label = label
        times = try all.dataset("position/time").read(Double.self)
        var p: [[Double]] = [], v: [[Double]] = []
        for i in 0..<f { p.append(try position.read(Double.self, .rows(i, 1, of: position.shape)))
            v.append(try all.dataset("velocity/value").read(Double.self, .rows(i, 1, of: position.shape))) }
        positions = p; velocities = v
        masses = [Double](repeating: 12.011, count: n)
        let e = try all.dataset("box/edges/value").read(Double.self)
        edges = (0..<f).map { Array(e[3 * $0..<3 * $0 + 3]) }
        isPeriodic = [true, true, true]
        potentialEnergy = nil
    }
}
