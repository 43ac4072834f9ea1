import Kernels
import Tensor

/// y = a + b; adjoint: the cotangent for both.
struct Addition<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape { commonShape(inputs, "addition") }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }
    var inPlaceInput: Int? { 0 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        add(output.pointer, inputs[0].pointer, inputs[1].pointer, count: output.count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent, cotangent] }
}

/// y = a - b; adjoint: g and -g.
struct Subtraction<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape { commonShape(inputs, "subtraction") }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }
    var inPlaceInput: Int? { 0 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        subtract(output.pointer, inputs[0].pointer, inputs[1].pointer, count: output.count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent, wanted[1] ? -1 * cotangent : nil] }
}

/// y = a b elementwise; adjoint: g b and g a.
struct Multiplication<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape { commonShape(inputs, "multiplication") }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }
    var inPlaceInput: Int? { 0 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        multiply(output.pointer, inputs[0].pointer, inputs[1].pointer, count: output.count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [wanted[0] ? cotangent * inputs[1] : nil, wanted[1] ? cotangent * inputs[0] : nil]
    }
}

/// y = factor a + offset; adjoint: factor g.
struct Affine<Scalar: KernelScalar>: Operation {
    let factor: Scalar
    let offset: Scalar

    func shape(of inputs: [Shape]) -> Shape { inputs[0] }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }
    var inPlaceInput: Int? { 0 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        affine(output.pointer, inputs[0].pointer, factor: factor, offset: offset, count: output.count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [factor * cotangent] }
}

/// y = a: a variable of its own, through which derivatives by it do not reach what a depends on.
struct Identity<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape { inputs[0] }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        output.pointer.update(from: inputs[0].pointer, count: output.count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent] }
}

func commonShape(_ shapes: [Shape], _ operation: String) -> Shape {
    precondition(shapes.allSatisfy { $0 == shapes[0] }, "\(operation) of shapes \(shapes)")
    return shapes[0]
}

extension Variable {
    public static func + (left: Variable, right: Variable) -> Variable { left.applying(Addition(), right) }
    public static func - (left: Variable, right: Variable) -> Variable { left.applying(Subtraction(), right) }
    /// The elementwise product.
    public static func * (left: Variable, right: Variable) -> Variable { left.applying(Multiplication(), right) }
    public static func * (factor: Scalar, right: Variable) -> Variable {
        factor == 1 ? right : right.applying(Affine(factor: factor, offset: 0))
    }
    public static func + (left: Variable, offset: Scalar) -> Variable {
        left.applying(Affine(factor: 1, offset: offset))
    }
    /// The elementwise quotient.
    public static func / (left: Variable, right: Variable) -> Variable { left * right.applying(.reciprocal) }
    /// The elementwise square.
    public var squared: Variable { self * self }
}
