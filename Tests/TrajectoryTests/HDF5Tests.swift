import Diagnostics
import Foundation
import HDF5
import Testing

@Suite struct HDF5Tests {
    @Test func numbersOfEveryTypeComeBack() throws {
        let scratch = try Scratch()
        let file = try HDF5.File.create(scratch.file("a.h5"))
        let root = try file.root
        func check<T: HDF5Datatype & Equatable>(_ values: [T]) throws {
            let dataset = try root.writeDataset("types/\(T.self)", values)
            #expect(try dataset.read(T.self) == values)
            try dataset.setAttribute("values", values)
            #expect(try dataset.attribute("values", as: T.self) == values)
        }
        try check([Float.pi, -.greatestFiniteMagnitude, .leastNonzeroMagnitude])
        try check([Double.pi, .infinity, -0.0])
        try check([Int8.min, .max])
        try check([Int16.min, .max])
        try check([Int32.min, .max])
        try check([Int64.min, .max])
        try check([Int.min, .max])
        try check([UInt8.min, .max])
        try check([UInt16.min, .max])
        try check([UInt32.min, .max])
        try check([UInt64.min, .max])
        try file.close()
        let again = try HDF5.File.open(scratch.file("a.h5"))
        // Reads convert.
        #expect(try again.root.dataset("types/Int16").read(Double.self) == [-32768, 32767])
        #expect(try again.root.dataset("types/Int16").elements.name == "int16")
        #expect(try again.root.group("types").memberNames.count == 11)
    }

    @Test func stringsComeBack() throws {
        let scratch = try Scratch()
        let file = try HDF5.File.create(scratch.file("s.h5"))
        let group = try file.root.createGroup("g")
        for fixed in [false, true] {
            try group.setAttribute("one", "Ångström", fixed: fixed)
            try group.setAttribute("many", ["", "ab", "µ"], fixed: fixed)
            #expect(try group.stringAttribute("one") == "Ångström")
            #expect(try group.stringsAttribute("many") == ["", "ab", "µ"])
        }
        #expect(try group.attributeNames == ["many", "one"])
        let dataset = try group.writeStrings("names", ["C", "He", ""])
        #expect(try dataset.readStrings() == ["C", "He", ""])
        #expect(throws: HDF5Error.self) { try dataset.read(Int32.self) }
        #expect(throws: HDF5Error.self) { try group.attribute("one", as: Int32.self) }
        #expect(throws: HDF5Error.self) { try group.stringAttribute("many") }
        #expect(throws: HDF5Error.self) { try group.stringAttribute("none") }
    }

    @Test func selections() throws {
        let scratch = try Scratch()
        let file = try HDF5.File.create(scratch.file("s.h5"))
        let dataset = try file.root.createDataset("d", of: Int32.self, shape: [4, 6])
        try dataset.write((0..<24).map { Int32($0) })
        #expect(try dataset.read(Int32.self, .box(offset: [1, 2], count: [2, 3])) == [8, 9, 10, 14, 15, 16])
        #expect(try dataset.read(Int32.self, .strided(offset: [0, 1], count: [2, 2], stride: [3, 4])) == [1, 5, 19, 23])
        #expect(try dataset.read(Int32.self, .rows(3, 1, of: [4, 6])) == [18, 19, 20, 21, 22, 23])
        #expect(try dataset.read(Int32.self, .none) == [])
        #expect(try dataset.read(Int32.self, .box(offset: [4, 0], count: [0, 6])) == [])
        for wrong in [Selection.box(offset: [3, 0], count: [2, 6]), .box(offset: [-1, 0], count: [1, 1]),
                      .box(offset: [0], count: [1]), .box(offset: [0, 0], count: [1, .max]),
                      .strided(offset: [0, 0], count: [2, 2], stride: [4, 1]),
                      .strided(offset: [0, 0], count: [2, 2], stride: [1, .max])] {
            let error = #expect(throws: HDF5Error.self) { try dataset.read(Int32.self, wrong) }
            #expect(error?.exitStatus == .data)
            #expect(error?.object == "/d")
        }
    }

    /// Pieces written beside the library, over chunks cut along two axes, are read as if written through it.
    @Test func piecesLieWhereTheLibraryReadsThem() throws {
        let scratch = try Scratch()
        let file = try HDF5.File.create(scratch.file("p.h5"), layout: .init(chunkIndexHalfRank: 2))
        let storage = DatasetStorage.growing(chunk: [2, 5, 3], shape: [0, 13, 3])
        let dataset = try file.root.createDataset("d", of: Int32.self, shape: [0, 13, 3], storage: storage)
        let single = try file.root.createDataset("s", of: Double.self, shape: [0], storage: .growing(chunk: [4], shape: [0]))
        #expect(try dataset.isPlaced(of: Int32.self) && single.isPlaced(of: Double.self))
        #expect(try !dataset.isPlaced(of: Float.self) && !single.isPlaced(of: Float.self))
        let writer = try BackgroundWriter(file)
        let values = (0..<7 * 39).map { Int32($0) }, times = (0..<7).map { Double($0) / 8 }
        try values.withUnsafeBytes { values in
            try times.withUnsafeBytes { times in
                for entry in 0..<7 {
                    try Dataset.resize([(dataset, [entry + 1, 13, 3]), (single, [entry + 1])])
                    // Two ranks' shares, which meet within a chunk.
                    for rows in [0..<8, 8..<13] {
                        let share = try #require(values.baseAddress) + 12 * (13 * entry + rows.lowerBound)
                        try dataset.forEachPiece(ofEntry: entry, rows: rows) { writer.write(share + $1, count: $2, at: $0) }
                    }
                    let time = try #require(times.baseAddress) + 8 * entry
                    try single.forEachPiece(ofEntry: entry, rows: 0..<1) { writer.write(time + $1, count: $2, at: $0) }
                }
                try writer.wait()
            }
        }
        try file.close()
        let again = try HDF5.File.open(scratch.file("p.h5"))
        #expect(try again.root.dataset("d").read(Int32.self) == values)
        #expect(try again.root.dataset("s").read(Double.self) == times)
        var compressed = storage
        compressed.deflate = 1
        let other = try HDF5.File.create(scratch.file("q.h5")).root
        #expect(try !other.createDataset("d", of: Int32.self, shape: [0, 13, 3], storage: compressed).isPlaced(of: Int32.self))
        #expect(try !other.writeDataset("c", [1.0]).isPlaced(of: Double.self))
    }

    @Test func growingCompressedDatasetsWithFillValues() throws {
        let scratch = try Scratch()
        let file = try HDF5.File.create(scratch.file("c.h5"), layout: .init(alignment: (4096, 4096)))
        var storage = DatasetStorage.growing(chunk: [2, 100], shape: [0, 100], deflate: 6)
        storage.fillValue = 7
        let dataset = try file.root.createDataset("d", of: Float.self, shape: [0, 100], storage: storage)
        try dataset.resize(to: [10, 100])
        try dataset.write([Float](repeating: 1, count: 100), .rows(9, 1, of: [10, 100]))
        try file.close()
        let again = try HDF5.File.open(scratch.file("c.h5")).root.dataset("d")
        #expect(again.shape == [10, 100] && again.maximumShape == [nil, 100])
        #expect(try again.read(Float.self) == [Float](repeating: 7, count: 900) + [Float](repeating: 1, count: 100))
        #expect(try again.storage.chunk == [2, 100])
        #expect(try again.storage.deflate == 6)
        #expect(again.storedBytes < 400)
    }

    @Test func failuresNameTheFileAndHaveTheRightStatus() throws {
        let scratch = try Scratch()
        func failure(_ body: () throws -> Void) -> HDF5Error? {
            do { try body() } catch { return error as? HDF5Error }
            return nil
        }
        let missing = failure { _ = try HDF5.File.open(scratch.file("missing.h5")) }
        #expect(missing?.exitStatus == .noInput)
        #expect(missing?.description.contains(scratch.file("missing.h5")) == true)
        let foreign = failure { _ = try HDF5.File.open(try scratch.write("foreign.h5", "hello")) }
        #expect(foreign?.exitStatus == .data)
        let empty = failure { _ = try HDF5.File.open(try scratch.write("empty.h5", "")) }
        #expect(empty?.exitStatus == .data)
        let folder = failure { _ = try HDF5.File.open(scratch.path) }
        #expect(folder?.exitStatus == .data)
        let nowhere = failure { _ = try HDF5.File.create(scratch.file("no/such/folder.h5")) }
        #expect(nowhere?.exitStatus == .io)
        let file = try HDF5.File.create(scratch.file("whole.h5"))
        try file.root.writeDataset("d", [Int](repeating: 3, count: 10_000))
        let absent = failure { _ = try file.root.dataset("g/e") }
        #expect(absent?.exitStatus == .data)
        #expect(absent?.object == "/g/e")
        try file.close()
        let used = failure { _ = try file.root }
        #expect(used?.exitStatus == .internal)
        let bytes = try scratch.bytes("whole.h5")
        for length in [10, 100, 1000, bytes.count / 2, bytes.count - 1] {
            let truncated = failure {
                let cut = try HDF5.File.open(try scratch.write("cut.h5", Array(bytes.prefix(length))))
                _ = try cut.root.dataset("d").read(Int.self)
            }
            #expect(truncated?.exitStatus == .data, "\(length): \(truncated?.description ?? "no error")")
        }
    }

    @Test func diskFull() throws {
        // A file system that refuses every byte.
        let error = #expect(throws: HDF5Error.self) {
            let file = try HDF5.File.create("/dev/full")
            try file.root.writeDataset("d", [Int](repeating: 3, count: 100_000))
            try file.close()
        }
        #expect(error?.exitStatus == .io)
    }

    @Test func wholeFilesReplaceAndKeep() throws {
        let scratch = try Scratch()
        let path = scratch.file("model.h5")
        for generation in 1...3 {
            let whole = try WholeFile(path)
            try "\(generation)".write(toFile: whole.temporaryPath, atomically: false, encoding: .utf8)
            try whole.commit(keepingPrevious: true)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "\(generation)")
            if generation > 1 {
                #expect(try String(contentsOfFile: path + ".previous", encoding: .utf8) == "\(generation - 1)")
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["model.h5", "model.h5.previous"])
        let error = #expect(throws: HDF5Error.self) { _ = try WholeFile(scratch.file("no/model.h5")) }
        #expect(error?.exitStatus == .io)
    }
}
