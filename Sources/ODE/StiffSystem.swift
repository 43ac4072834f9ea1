/// Ordinary differential equations dy/dt = f(t, y) that an implicit method solves, with their Jacobian.
///
/// A solver calls it from one thread.
public protocol StiffSystem: AnyObject {
    /// The number of unknowns, n.
    var count: Int { get }
    /// Which df_i/dy_j may differ from zero.
    var pattern: JacobianPattern { get }

    /// Writes f(t, y). Where it is not finite the solver takes a shorter step.
    ///
    /// - Parameters:
    ///   - values: y. [n]
    ///   - derivative: [n]
    func differentiate(
        at time: Double, _ values: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>)

    /// Writes df_i/dy_j of the entries of the pattern, in its order.
    ///
    /// - Parameter entries: zero before. [entries of the pattern]
    func linearize(at time: Double, _ values: UnsafePointer<Double>, into entries: UnsafeMutablePointer<Double>)
}

/// The entries of a square matrix that may differ from zero, column after column, rows ascending.
public struct JacobianPattern: Hashable, Sendable {
    public let count: Int
    /// The first entry of each column, and the end. [n + 1]
    public let starts: [Int]
    /// The row of each entry.
    public let rows: [Int]

    public var entryCount: Int { rows.count }

    /// - Parameter entries: rows and columns, in any order; twice is once. The diagonal always belongs to it.
    public init(count: Int, entries: some Sequence<(Int, Int)>) {
        var columns = (0..<count).map { Set([$0]) }
        for (row, column) in entries { columns[column].insert(row) }
        self.count = count
        rows = columns.flatMap { $0.sorted() }
        starts = columns.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    }

    /// Every entry.
    public static func dense(_ count: Int) -> JacobianPattern {
        JacobianPattern(
            count: count, entries: (0..<count).flatMap { column in (0..<count).map { ($0, column) } })
    }

    /// The place of an entry; nil if it is zero.
    public func place(row: Int, column: Int) -> Int? {
        (starts[column]..<starts[column + 1]).first { rows[$0] == row }
    }
}
