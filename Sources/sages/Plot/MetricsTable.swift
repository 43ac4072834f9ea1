import Diagnostics

/// The metrics of a training, or energies of frames: a CSV file with a line of names and lines of numbers.
struct MetricsTable {
    let path: String
    let names: [String]
    /// One column a name; NaN where a cell is empty.
    let columns: [[Double]]

    /// - Throws: `PlotError`: 66 where the file is missing, 65 where it is no such table.
    init(path: String) throws(PlotError) {
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.contents(path, atMost: 1 << 30)
        } catch {
            throw PlotError(exitStatus: error.exitStatus, description: error.description)
        }
        try self.init(path: path, text: String(decoding: bytes, as: UTF8.self))
    }

    init(path: String, text: String) throws(PlotError) {
        func fault(_ line: Int, _ message: String) -> PlotError {
            PlotError(exitStatus: .data, description: "\(path):\(line): \(message)")
        }
        self.path = path
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)[...]
        guard let head = lines.popFirst(), !head.isEmpty else { throw fault(1, "the table is empty") }
        let names = head.split(separator: ",", omittingEmptySubsequences: false).map { Self.trimmed($0) }
        guard names.contains("step") else { throw fault(1, "there is no column 'step'") }
        var columns = [[Double]](repeating: [], count: names.count)
        for (index, line) in lines.enumerated() where !line.isEmpty {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            // A run that is still going on may have written half of its last line.
            if cells.count != names.count, index == lines.count - 1 { break }
            guard cells.count == names.count else {
                throw fault(index + 2, "\(cells.count) cells where the first line has \(names.count) names")
            }
            for (column, cell) in cells.enumerated() {
                let cell = Self.trimmed(cell)
                guard let value = cell.isEmpty ? Double.nan : Double(cell) else {
                    throw fault(index + 2, "'\(cell)' in column '\(names[column])' is not a number")
                }
                columns[column].append(value)
            }
        }
        guard columns[0].count > 0 else { throw fault(2, "the table has no lines of numbers") }
        self.names = names
        self.columns = columns
    }

    func column(_ name: String) -> [Double]? { names.firstIndex(of: name).map { columns[$0] } }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
