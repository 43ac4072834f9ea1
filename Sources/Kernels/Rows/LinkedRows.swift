internal import CInstructionSet

// Products of rows of which many have the same terms: all terms of a row are summed in registers, and the row goes on to
// its epilogue from the first cache.
//
// Notation and order of sums as in `multiplyRows`: the same bits as one call of it for each term.

/// The terms of consecutive rows that differ in their rows of x alone.
public struct RowLinks {
    let inputRows: UnsafePointer<Int32>?
    let slabs: UnsafePointer<Int32>?
    public let count: Int

    /// - Parameters:
    ///   - inputRows: the row of x of each term of each output row, [rows, count].
    ///   - slabs: the slab of w of each term, [count].
    public init(inputRows: UnsafePointer<Int32>, slabs: UnsafePointer<Int32>, count: Int) {
        self.inputRows = inputRows
        self.slabs = slabs
        self.count = count
    }

    /// One term: the same row of x times the one slab of w.
    public static var identity: RowLinks { RowLinks() }

    private init() { (inputRows, slabs, count) = (nil, nil, 1) }
}

private struct LinkPattern: RowPattern {
    let inputRows, slabs: UnsafePointer<Int32>
    let terms: Int

    @inline(__always) func output(_ row: Int) -> Int { row }
    @inline(__always) func input(_ row: Int, _ term: Int) -> Int { Int(inputRows[row * terms + term]) }
    @inline(__always) func slab(_ term: Int) -> Int { Int(slabs[term]) }
}

private struct IdentityPattern: RowPattern {
    @inline(__always) var terms: Int { 1 }
    @inline(__always) func output(_ row: Int) -> Int { row }
    @inline(__always) func input(_ row: Int, _: Int) -> Int { row }
    @inline(__always) func slab(_: Int) -> Int { 0 }
}

/// y[r] = sum over terms of x[input(r, term)] w[slab(term)] for `rows` rows, then the epilogue.
///
/// - Parameters:
///   - y: [rows, O], overwritten: where the sums go, one of the epilogue's outputs if there is one.
///   - x: [rows of x, I].
///   - w: [slabs, I, O]; up to one vector behind its end is read.
@specialized(where T == Float)
@specialized(where T == Double)
public func multiplyRows<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ w: UnsafePointer<T>,
    inputs: Int, outputs: Int, rows: Int, links: RowLinks, epilogue: RowEpilogue<T>?
) {
    if let inputRows = links.inputRows, let slabs = links.slabs {
        multiplyStrips(
            y, x, w, inputs, outputs, rows, LinkPattern(inputRows: inputRows, slabs: slabs, terms: links.count), epilogue)
    } else {
        multiplyStrips(y, x, w, inputs, outputs, rows, IdentityPattern(), epilogue)
    }
}

@inline(__always)
private func multiplyStrips<T: KernelScalar, Pattern: RowPattern>(
    _ y: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ w: UnsafePointer<T>,
    _ inputs: Int, _ outputs: Int, _ rows: Int, _ pattern: Pattern, _ epilogue: RowEpilogue<T>?
) {
    // Strips whose sums stay in the first cache until the epilogue: of 1, 2, 4 and 8 tiles, 4 measured best.
    let isWide = InstructionSet.vectorBytes == 64 && outputs >= Panel4<T>.width
    let height = 4 * (isWide ? rowsTogether(Panel4<T>.self) : rowsTogether(Panel1<T>.self))
    var row = 0
    while row < rows {
        let strip = row..<min(row + height, rows)
        if let epilogue {
            prefetch(epilogue.factor, row * outputs, strip.count * outputs)
            prefetch(epilogue.addend, row * outputs, strip.count * outputs)
        }
        var column = 0
        if InstructionSet.vectorBytes == 64 {
            while outputs - column >= Panel4<T>.width {
                multiplyPanel(Panel4<T>.self, y, x, w, inputs, outputs, column, strip, pattern, false)
                column += Panel4<T>.width
            }
            if outputs - column >= Panel2<T>.width {
                multiplyPanel(Panel2<T>.self, y, x, w, inputs, outputs, column, strip, pattern, false)
                column += Panel2<T>.width
            }
        }
        while outputs - column >= Panel1<T>.width {
            multiplyPanel(Panel1<T>.self, y, x, w, inputs, outputs, column, strip, pattern, false)
            column += Panel1<T>.width
        }
        if outputs - column >= HalfPanel<T>.width {
            multiplyPanel(HalfPanel<T>.self, y, x, w, inputs, outputs, column, strip, pattern, false)
            column += HalfPanel<T>.width
        }
        if column < outputs {
            multiplyPanel(PartialPanel<T>.self, y, x, w, inputs, outputs, column, strip, pattern, false)
        }
        if let epilogue {
            applyEpilogue(
                epilogue.advanced(by: row * outputs), y + row * outputs, rows: strip.count, columns: outputs)
        }
        row += height
    }
}

/// Calls for an operand of an epilogue before the sums that it joins, for beyond the second cache it is far away.
@inline(__always)
private func prefetch<T: KernelScalar>(_ operand: UnsafePointer<T>?, _ first: Int, _ count: Int) {
    guard let operand else { return }
    for element in stride(from: first, to: first + count, by: T.Vector.scalarCount) { sages_prefetch(operand + element) }
}
