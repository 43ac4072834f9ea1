import Diagnostics
import HDF5
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The course of a training as CSV and as JSON lines, a row now and then. Rank 0 only.
///
/// A row is in the files as soon as it is written. A resumed training drops rows beyond the step it resumes from, so
/// that the files read like those of an uninterrupted one.
final class MetricsWriter {
    private let columns: [String]
    private var csv: AppendedFile
    private var jsonLines: AppendedFile

    /// - Parameters:
    ///   - columns: their names; the first one is `step`.
    ///   - step: rows up to this step are kept; nil to begin anew.
    /// - Throws: `TrainingError` (74).
    init(columns: [String], csvPath: String, jsonLinesPath: String, keepingUpTo step: Int?) throws {
        self.columns = columns
        let header = columns.joined(separator: ",")
        csv = try AppendedFile(csvPath, keeping: step.map { last in
            { line, index in
                if index == 0 { return line == header }
                return MetricsWriter.step(ofRow: line, columns: columns.count).map { $0 <= last } ?? false
            }
        })
        jsonLines = try AppendedFile(jsonLinesPath, keeping: step.map { last in
            { line, _ in MetricsWriter.step(ofObject: line).map { $0 <= last } ?? false }
        })
        if csv.isEmpty { try csv.append(header + "\n") }
    }

    /// Writes a row; nil where there is nothing to tell, an empty field.
    func write(_ values: [Double?]) throws {
        precondition(values.count == columns.count, "\(values.count) values for \(columns.count) columns")
        let texts = values.map { $0.map(Self.text) }
        try csv.append(texts.map { $0 ?? "" }.joined(separator: ",") + "\n")
        var object = ""
        for (column, text) in zip(columns, texts) {
            guard let text else { continue }
            object += object.isEmpty ? "{" : ", "
            JSONValue.write(column, into: &object)
            object += ": " + text
        }
        try jsonLines.append(object + "}\n")
    }

    /// Whole numbers without fraction.
    private static func text(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 0x1p53 ? "\(Int(value))" : "\(value)"
    }

    private static func step(ofRow line: Substring, columns: Int) -> Int? {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false)
        return fields.count == columns ? Int(fields[0]) : nil
    }

    private static func step(ofObject line: Substring) -> Int? {
        let prefix = "{\"step\": "
        guard line.hasPrefix(prefix), line.hasSuffix("}") else { return nil }
        return Int(line.dropFirst(prefix.count).prefix { $0.isNumber })
    }
}

/// A text file to which whole lines are appended, each by one system call.
private struct AppendedFile: ~Copyable {
    private let path: String
    private let descriptor: Int32
    private(set) var isEmpty = true

    /// - Parameter keeping: given a line and its number, whether it stays; nil to keep nothing.
    init(_ path: String, keeping: ((Substring, Int) -> Bool)?) throws {
        self.path = path
        if let keeping, let text = try Self.contents(of: path) {
            // What follows the last end of line was cut off when a process died.
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            var kept = ""
            for (index, line) in lines.enumerated() where keeping(line, index) { kept += "\(line)\n" }
            // A first line that is dropped is a header of other columns: nothing below it fits.
            if let first = lines.first, !keeping(first, 0) { kept = "" }
            let whole = try WholeFile(path)
            let temporary = whole.temporaryPath
            do {
                let file = try Self.open(temporary, O_TRUNC)
                defer { close(file) }
                try Self.write(kept, to: file, path)
            } catch {
                whole.discardTemporary()
                throw error
            }
            try whole.commit()
            descriptor = try Self.open(path, O_APPEND)
            isEmpty = kept.isEmpty
        } else {
            descriptor = try Self.open(path, O_TRUNC | O_APPEND)
        }
    }

    deinit { close(descriptor) }

    mutating func append(_ text: String) throws {
        try Self.write(text, to: descriptor, path)
        isEmpty = false
    }

    private static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        let descriptor = systemOpen(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags)
        guard descriptor >= 0 else { throw TrainingError.metrics(file: path, reason: String(cString: strerror(errno))) }
        return descriptor
    }

    private static func write(_ text: String, to descriptor: Int32, _ path: String) throws {
        var text = text
        try text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let count = systemWrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0 {
                    if errno == EINTR { continue }
                    throw TrainingError.metrics(file: path, reason: String(cString: strerror(errno)))
                }
                done += count
            }
        }
    }

    /// The file's text; nil if it does not exist.
    private static func contents(of path: String) throws -> String? {
        let descriptor = systemOpen(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 && errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw TrainingError.metrics(file: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw TrainingError.metrics(file: path, reason: String(cString: strerror(errno)))
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// The type's own functions hide the system's.
private func systemOpen(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o666) }
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
