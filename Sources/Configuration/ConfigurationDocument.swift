import Diagnostics
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A configuration as written: JSON5 text, and overrides from the command line.
///
/// Nothing here communicates. In a parallel run rank 0 reads the text and broadcasts it, and every rank parses it,
/// so that the errors of all ranks are the same.
public struct ConfigurationDocument: Sendable {
    /// The tree, places kept; its root is an object.
    public internal(set) var root: ConfigurationValue

    /// The bytes of a configuration file.
    ///
    /// - Throws: `ConfigurationError` of exit status 66 where it cannot be read.
    public static func contents(ofFile path: String) throws(ConfigurationError) -> [UInt8] {
        func failure() -> ConfigurationError {
            ConfigurationError(.unreadable(String(cString: strerror(errno))),
                               at: SourceLocation(source: path, line: 0, column: 0))
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        // One byte more than allowed is enough to find out that a file is too large, however large it is.
        while bytes.count <= JSON5Parser.maximumBytes {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure()
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Reads and parses a file.
    ///
    /// - Throws: `ConfigurationError` where it cannot be read, or is not a JSON5 object.
    public init(file path: String) throws(ConfigurationError) {
        try self.init(utf8: Self.contents(ofFile: path), source: path)
    }

    /// Parses a text; `source` is its name in errors.
    public init(text: String, source: String) throws(ConfigurationError) {
        try self.init(utf8: Array(text.utf8), source: source)
    }

    /// Parses UTF-8 text; `source` is its name in errors.
    public init(utf8 bytes: [UInt8], source: String) throws(ConfigurationError) {
        root = try JSON5Parser.parse(bytes, source: source)
        guard case .object = root.content else {
            throw ConfigurationError(.wrongType(found: root.summary, expected: "an object in braces"), at: root.location)
        }
    }

    /// Reads the document into a structure; every key must be known.
    ///
    /// - Returns: the value, and the resolved configuration (defaults filled in) as canonical JSON.
    /// - Throws: `ConfigurationError`.
    public func decode<Value: Configurable>(_ type: Value.Type = Value.self)
        throws -> (value: Value, canonicalJSON: String) {
        let reading = ConfigurationReading(isExplaining: false)
        let section = rootSection(reading)
        let value = try Value(from: section)
        section.finish()
        if let unknown = reading.unknown.min(by: { ($0.location.line, $0.location.column)
                                                    < ($1.location.line, $1.location.column) }) {
            throw ConfigurationError(.unknownKey(nearest: nearest(to: unknown.path, unknown.known, reading)),
                                     at: unknown.location, keyPath: unknown.path)
        }
        return (value, ConfigurationValue(.object(section.resolved), at: root.location).canonicalJSON)
    }

    /// The nearest key of the same object; else a key of the same or nearly the same name elsewhere.
    private func nearest(to path: String, _ siblings: [String], _ reading: ConfigurationReading) -> String? {
        func last(_ path: String) -> String { String(path[(path.lastIndex(of: ".").map(path.index(after:))
                                                           ?? path.startIndex)...]) }
        func search(_ candidates: [String]) -> String? {
            let name = NearestName.of(last(path), in: candidates.map(last))
            return candidates.first { last($0) == name }
        }
        return search(siblings) ?? search(reading.keys.map(\.path))
    }

    private func rootSection(_ reading: ConfigurationReading) -> ConfigurationSection {
        var members: [ConfigurationValue.Member] = []
        if case .object(let written) = root.content { members = written }
        return ConfigurationSection(keyPath: "", location: root.location, members: members, reading: reading)
    }
}
