import COpenBLAS
import Kernels
import Tensor

/// Which code multiplies.
public enum ProductBackend: Hashable, Sendable {
    /// The 1x1x1 convolution kernel: a row's bits do not depend on how many rows there are. For cells.
    case kernel
    /// OpenBLAS: for batches whose size is fixed.
    case library
}

/// y = x w, for x [..., I] and w [I, O]; adjoint: g w^T and x^T g.
struct RowProduct<Scalar: KernelScalar>: RowProducing {
    let backend: ProductBackend

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[1].rank == 2 && inputs[0].columns == inputs[1][0], "product of \(inputs)")
        return inputs[0].withColumns(inputs[1].columns)
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { inputs[0] }
    func division(of inputs: [Shape]) -> Division { backend == .kernel ? .rows(shared: [1]) : .none }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        evaluate(inputs, into: output, epilogue: nil)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        _ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>, epilogue: RowEpilogue<Scalar>?
    ) {
        let (x, w) = (inputs[0], inputs[1])
        switch backend {
        case .kernel:
            multiplyRows(
                output.pointer, x.pointer, w.pointer, inputs: x.columns, outputs: w.columns, rows: output.rows,
                links: .identity, epilogue: epilogue)
        case .library:
            precondition(epilogue == nil, "an epilogue of a library's product")
            libraryProduct(
                output.pointer, x.pointer, w.pointer, transposingLeft: false,
                rows: output.rows, columns: w.columns, inner: x.columns)
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? cotangent.rowProduct(inputs[1].mirrorTransposed(), backend: backend) : nil,
            wanted[1] ? inputs[0].applying(RowOuterProduct(backend: backend), cotangent) : nil,
        ]
    }
}

/// w = x^T g: [I, O] from x [..., I] and g [..., O]; adjoint for a cotangent h: g h^T and x h.
struct RowOuterProduct<Scalar: KernelScalar>: Operation {
    let backend: ProductBackend

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].rows == inputs[1].rows, "outer product of \(inputs)")
        return [inputs[0].columns, inputs[1].columns]
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { nil }
    func division(of inputs: [Shape]) -> Division {
        backend == .kernel ? .pieces(OuterProductPieces.count(inputs: inputs[0].columns)) : .none
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        let (x, g) = (inputs[0], inputs[1])
        outerProductOfRows(
            output.pointer, x.pointer, g.pointer, inputs: x.columns, outputs: g.columns,
            pairs: RowPairs(identity: x.rows), inputRange: OuterProductPieces.range(piece, inputs: x.columns))
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        let (x, g) = (inputs[0], inputs[1])
        libraryProduct(
            output.pointer, x.pointer, g.pointer, transposingLeft: true,
            rows: x.columns, columns: g.columns, inner: x.rows)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? inputs[1].rowProduct(cotangent.mirrorTransposed(), backend: backend) : nil,
            wanted[1] ? inputs[0].rowProduct(cotangent, backend: backend) : nil,
        ]
    }
}

/// How an outer product is cut: into ranges of its rows.
enum OuterProductPieces {
    private static let rows = 32

    static func count(inputs: Int) -> Int { max(1, (inputs + rows - 1) / rows) }
    static func range(_ piece: Int, inputs: Int) -> Range<Int> { min(piece * rows, inputs)..<min((piece + 1) * rows, inputs) }
}

/// y = left^(T) right through OpenBLAS, all row-major and dense: [rows, inner] x [inner, columns].
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func libraryProduct<Scalar: KernelScalar>(
    _ y: UnsafeMutablePointer<Scalar>, _ left: UnsafeMutablePointer<Scalar>, _ right: UnsafeMutablePointer<Scalar>,
    transposingLeft: Bool, rows: Int, columns: Int, inner: Int
) {
    guard rows > 0, columns > 0 else { return }
    guard inner > 0 else { return y.update(repeating: 0, count: rows * columns) }
    let (m, n, k) = (blasint(rows), blasint(columns), blasint(inner))
    let transpose = transposingLeft ? CblasTrans : CblasNoTrans
    let leading = transposingLeft ? m : k
    // The casts are to the type that Scalar is in each branch.
    if Scalar.self == Float.self {
        func cast(_ pointer: UnsafeMutablePointer<Scalar>) -> UnsafeMutablePointer<Float> {
            UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Float.self)
        }
        cblas_sgemm(
            CblasRowMajor, transpose, CblasNoTrans, m, n, k, 1, cast(left), leading, cast(right), n, 0, cast(y), n)
    } else if Scalar.self == Double.self {
        func cast(_ pointer: UnsafeMutablePointer<Scalar>) -> UnsafeMutablePointer<Double> {
            UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Double.self)
        }
        cblas_dgemm(
            CblasRowMajor, transpose, CblasNoTrans, m, n, k, 1, cast(left), leading, cast(right), n, 0, cast(y), n)
    } else {
        preconditionFailure("no library product for \(Scalar.self)")
    }
}

extension Variable {
    /// Every row times the matrix `weights` [columns, outputs].
    public func rowProduct(_ weights: Variable, backend: ProductBackend = .kernel) -> Variable {
        applying(RowProduct(backend: backend), weights)
    }
}
