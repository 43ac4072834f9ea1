import Diagnostics
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A picture that could not be made.
struct PlotError: SAGESError {
    let exitStatus: ExitStatus
    let description: String
}

extension GnuplotFigure {
    /// Draws the figure.
    ///
    /// - Parameters:
    ///   - folder: where the picture goes; it appears whole or not at all.
    ///   - keepsScript: writes the gnuplot script beside it.
    /// - Returns: the path of the picture.
    /// - Throws: `PlotError`: gnuplot missing (70) or failing, the folder not writable (74).
    func write(to folder: String, format: Format, keepsScript: Bool) throws(PlotError) -> String {
        let path = "\(folder)/\(name).\(format.rawValue)"
        let temporary = "\(folder)/.\(name).\(format.rawValue).incomplete"
        guard let probe = fopen(temporary, "w") else {
            throw PlotError(exitStatus: .io, description: "\(path): cannot write: \(String(cString: strerror(errno)))")
        }
        fclose(probe)
        defer { unlink(temporary) }
        let result: ChildProcess
        do {
            result = try ChildProcess.run("gnuplot", [], input: script(output: temporary, format: format))
        } catch {
            let hint = "gnuplot is not installed; on Debian: apt-get install gnuplot-nox, on a cluster: module load gnuplot"
            throw PlotError(exitStatus: .internal, description: error.isMissing ? hint : error.description)
        }
        var status = stat()
        // gnuplot does not check whether it could write: a full disk leaves an empty file.
        let isWritten = stat(temporary, &status) == 0 && status.st_size > 0
        guard result.status == 0, isWritten else {
            let reason = result.errors.split(separator: "\n").last.map(String.init) ?? "status \(result.status)"
            throw PlotError(exitStatus: result.status == 0 ? .io : .internal,
                            description: "\(path): gnuplot failed: \(reason)")
        }
        guard rename(temporary, path) == 0 else {
            throw PlotError(exitStatus: .io, description: "\(path): cannot rename: \(String(cString: strerror(errno)))")
        }
        if keepsScript { try writeScript(folder, path, format) }
        return path
    }

    private func writeScript(_ folder: String, _ path: String, _ format: Format) throws(PlotError) {
        let scriptPath = "\(folder)/\(name).gnuplot"
        var text = script(output: path, format: format)
        guard let file = fopen(scriptPath, "w") else {
            throw PlotError(exitStatus: .io,
                            description: "\(scriptPath): cannot write: \(String(cString: strerror(errno)))")
        }
        let written = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) }
        guard fclose(file) == 0, written == text.utf8.count else {
            throw PlotError(exitStatus: .io, description: "\(scriptPath): cannot write: \(String(cString: strerror(errno)))")
        }
    }
}
