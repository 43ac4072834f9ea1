/// Columns of numbers that grow together, in plain memory: written a hundred times for each atom and step.
struct IndexTable {
    /// [columns, capacity]
    private(set) var columns: [UnsafeMutablePointer<Int32>]
    private(set) var capacity: Int
    var count = 0

    init(columns: Int, capacity: Int = 64) {
        self.capacity = capacity
        self.columns = (0..<columns).map { _ in .allocate(capacity: capacity) }
    }

    /// Gives the memory back; the table is not used after.
    func deallocate() { for column in columns { column.deallocate() } }

    /// Makes room for more rows; the contents stay.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(count + more) }
    }

    private mutating func grow(_ least: Int) {
        let wanted = least + least / 2
        for (index, column) in columns.enumerated() {
            let larger = UnsafeMutablePointer<Int32>.allocate(capacity: wanted)
            larger.update(from: column, count: count)
            column.deallocate()
            columns[index] = larger
        }
        capacity = wanted
    }
}
