import Foundation
import MPI
import SAGESnetTestSupport
import Trajectory
@testable import SAGESnet

let patternTests: [DistributedTest] = [
    DistributedTest("patterns.serialBits", ranks: [2, 3, 4, 6], timeout: 120) { communicator in
        let cells = "cells: \"occupied\", slots: 6, channels: 8, blocks: 2, origin: \"corner\""
        let bonds = "predictor: \"bonds\", bonds: { cutoff: 0.9, bondCutoff: 0.8, margin: 0.1, pairFunctions: 3, "
            + "pairChannels: 3, bondFunctions: 4, bondChannels: 5, bondWidth: 6, angleFunctions: 3, angleChannels: 5, "
            + "atomWidth: 4 }"
        for members in [cells, "\(cells), predictor: \"increment\"", bonds] {
            let rollout = RandomRollout(members)
            let model = try rollout.model()
            try withFolder(communicator) { folder in
                let data = folder + "/data.h5"
                if communicator.rank == 0 { try rollout.writeGas(to: data) }
                try communicator.barrier()
                /// The clusters, all numbers of the analysis, and the bytes of the file.
                func result(_ communicator: Communicator, _ name: String) throws -> [UInt64] {
                    let analysis = try PatternAnalysis(
                        data, frames: [0, 1], model: model, parameters: rollout.parameters(model),
                        options: .init(clusters: 3, leaves: 8), communicator: communicator)
                    let path = folder + "/" + name
                    let start = try SimulationStart(data, frame: 0, for: model, communicator: communicator)
                    try analysis.write(
                        to: path,
                        provenance: SimulationProvenance(
                            program: "test", model: "m", configuration: "", seed: 1, start: start),
                        communicator: communicator)
                    var words = analysis.clusters.flatMap { cluster in
                        [UInt64(cluster.count), (cluster.energy ?? 0).bitPattern, (cluster.coordination ?? 0).bitPattern,
                         (cluster.residence ?? 0).bitPattern, UInt64(cluster.typicalFrame), UInt64(cluster.typicalAtom)]
                            + cluster.center.map(\.bitPattern)
                    }
                    words += analysis.silhouettes.map(\.silhouette.bitPattern)
                    words += (FileManager.default.contents(atPath: path) ?? Data()).map { UInt64($0) }
                    return words
                }
                let mine = try result(communicator, "several.h5")
                let serial = try shared(try onFirst(1, of: communicator) { try result($0, "one.h5") }, communicator)
                try expect(mine.count == serial.count && mine.count > 10_000, "\(mine.count) and \(serial.count) words")
                try expect(mine == serial, "\(members): not the patterns of one rank")
            }
        }
    },
]
