/// An error that a user can act on.
///
/// Its description is one or two sentences that name the file, dataset, key or cell at fault, without a prefix or
/// a trailing newline; the command line prints it once and ends with `exitStatus`.
public protocol SAGESError: Error, CustomStringConvertible {
    var exitStatus: ExitStatus { get }
}
