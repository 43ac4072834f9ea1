import Foundation

/// Lines of a text file, in memory of bounded size.
///
/// A line is valid until the next call. The byte after a line is a zero, so that C's number parser stops there.
final class LineReader {
    typealias Line = UnsafeBufferPointer<UInt8>

    /// Longest line that is read; longer ones are an error.
    static let longestLine = 1 << 20

    let path: String
    /// Number of the last line read, from 1.
    private(set) var lineNumber = 0
    /// The frame that is being read, for errors; from 0.
    var frame: Int?
    private let source: ByteSource
    private let buffer: UnsafeMutablePointer<UInt8>
    private let capacity = 2 * longestLine
    private var start = 0
    private var end = 0
    private var atEnd = false
    /// The last line is to be returned once more.
    private var pushedBack: Line?

    init(_ path: String) throws {
        source = try ByteSource(path)
        self.path = path
        buffer = .allocate(capacity: capacity + 1)
    }

    deinit { buffer.deallocate() }

    /// The next line without its end; nil at the end of the file.
    /// - Throws: `TrajectoryError` if the last line lacks its end (a cut file), a line is too long, or reading fails.
    func next() throws -> Line? {
        if let line = pushedBack {
            pushedBack = nil
            lineNumber += 1
            return line
        }
        var searched = start
        while true {
            if let newline = memchr(buffer + searched, 0x0a, end - searched) {
                let position = UnsafePointer(newline.assumingMemoryBound(to: UInt8.self)) - UnsafePointer(buffer)
                lineNumber += 1
                var length = position - start
                if length > 0 && buffer[position - 1] == 0x0d { length -= 1 }
                buffer[start + length] = 0
                let line = Line(start: buffer + start, count: length)
                start = position + 1
                return line
            }
            searched = end
            if atEnd {
                if start == end { return nil }
                lineNumber += 1
                throw failure("the file is truncated: its last line has no end")
            }
            if start > 0 {
                memmove(buffer, buffer + start, end - start)
                end -= start
                searched = end
                start = 0
            }
            guard end <= Self.longestLine else {
                lineNumber += 1
                throw failure("a line is longer than \(Self.longestLine) bytes: this is no trajectory text file")
            }
            let count: Int
            do {
                count = try source.read(into: buffer + end, capacity: capacity - end)
            } catch let error as TrajectoryError {
                throw TrajectoryError(error.exitStatus, file: path, line: lineNumber + 1, frame: frame, message: error.message)
            }
            if count == 0 { atEnd = true }
            end += count
        }
    }

    /// Makes `next` return this line, the last one read, again.
    func unread(_ line: Line) {
        pushedBack = line
        lineNumber -= 1
    }

    /// The next line that is not blank; nil at the end of the file.
    func nextNonBlank() throws -> Line? {
        while let line = try next() {
            if line.contains(where: { !isBlank($0) }) { return line }
        }
        return nil
    }

    /// An error at the last line read.
    func failure(_ message: String) -> TrajectoryError {
        TrajectoryError(file: path, line: lineNumber, frame: frame, message: message)
    }
}

@inline(__always)
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    // Messages quote input: keep them short and printable.
    let shown = String(decoding: bytes.prefix(40), as: UTF8.self).filter { !$0.isNewline && $0 != "\0" }
    return bytes.count > 40 ? shown + "..." : shown
}
