import Foundation
import Testing
@testable import Training

struct MetricsTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "sages-metrics-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private var csv: String { folder + "/model.metrics.csv" }
    private var jsonLines: String { folder + "/model.metrics.jsonl" }

    private func writer(_ columns: [String] = ["step", "loss", "validationLoss"], keepingUpTo step: Int?) throws
        -> MetricsWriter {
        try MetricsWriter(columns: columns, csvPath: csv, jsonLinesPath: jsonLines, keepingUpTo: step)
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func rowsAreReadable() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let metrics = try writer(keepingUpTo: nil)
        try metrics.write([1, 0.5, nil])
        try metrics.write([2, 1e-7, 0.25])
        #expect(try text(csv) == "step,loss,validationLoss\n1,0.5,\n2,1e-07,0.25\n")
        #expect(try text(jsonLines)
            == "{\"step\": 1, \"loss\": 0.5}\n{\"step\": 2, \"loss\": 1e-07, \"validationLoss\": 0.25}\n")
    }

    @Test func resumingDropsLaterAndBrokenRows() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let killed = try writer(keepingUpTo: nil)
        for step in 1...5 { try killed.write([Double(step), 0.5, nil]) }
        for path in [csv, jsonLines] {
            let handle = try #require(FileHandle(forWritingAtPath: path))
            handle.seekToEndOfFile()
            handle.write(Data("3,0.".utf8))
        }
        let resumed = try writer(keepingUpTo: 3)
        try resumed.write([4, 0.25, 1])
        #expect(try text(csv) == "step,loss,validationLoss\n1,0.5,\n2,0.5,\n3,0.5,\n4,0.25,1\n")
        #expect(try text(jsonLines).split(separator: "\n").count == 4)
    }

    @Test func otherColumnsBeginAnew() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try writer(keepingUpTo: nil).write([1, 0.5, nil])
        try writer(["step", "loss"], keepingUpTo: 5).write([2, 0.5])
        #expect(try text(csv) == "step,loss\n2,0.5\n")
    }

    @Test func aMissingFolderIsAnErrorThatNamesTheFile() throws {
        try FileManager.default.removeItem(atPath: folder)
        let error = #expect(throws: TrainingError.self) { try writer(keepingUpTo: nil) }
        #expect(error?.exitStatus == .io)
        #expect(error?.description.contains(csv) ?? false)
    }
}
