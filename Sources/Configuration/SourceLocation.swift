/// Where a configuration value was written.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// The file's path, or the whole option for a value given with `--set`.
    public let source: String
    /// Line, from 1; 0 where the source has no lines (`--set`).
    public let line: Int
    /// Column in characters (Unicode scalars), from 1.
    public let column: Int

    public init(source: String, line: Int, column: Int) {
        self.source = source
        self.line = line
        self.column = column
    }

    /// `file:line:column`, the form that editors and terminals jump to.
    public var description: String { line == 0 ? source : "\(source):\(line):\(column)" }
}
