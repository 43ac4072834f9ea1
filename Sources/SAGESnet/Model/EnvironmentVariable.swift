import Configuration

/// A number that describes a whole run and enters every cell.
public enum EnvironmentVariable: String, Sendable, CaseIterable, ConfigurationChoice {
    /// K
    case temperature
    /// GPa
    case pressure
    /// V/Angstrom
    case electricFieldX, electricFieldY, electricFieldZ
    /// T
    case magneticFieldX, magneticFieldY, magneticFieldZ
    /// 1/ps, of the box's edges: the time derivative of their logarithms.
    case strainRateX, strainRateY, strainRateZ

    /// What a variable is one number of, and so what becomes of it where a sample is turned, mirrored or runs backwards.
    private enum Quantity {
        case scalar
        case electricField
        case magneticField
        case strainRate
    }

    private var quantity: Quantity {
        switch self {
        case .temperature, .pressure: .scalar
        case .electricFieldX, .electricFieldY, .electricFieldZ: .electricField
        case .magneticFieldX, .magneticFieldY, .magneticFieldZ: .magneticField
        case .strainRateX, .strainRateY, .strainRateZ: .strainRate
        }
    }

    /// 0 (x), 1 (y) or 2 (z); nil for a number without a direction.
    private var axis: Int? {
        switch self {
        case .temperature, .pressure: nil
        case .electricFieldX, .magneticFieldX, .strainRateX: 0
        case .electricFieldY, .magneticFieldY, .strainRateY: 1
        case .electricFieldZ, .magneticFieldZ, .strainRateZ: 2
        }
    }

    /// The variable of the same quantity along an axis.
    private func along(_ axis: Int) -> EnvironmentVariable {
        switch quantity {
        case .scalar: self
        case .electricField: [.electricFieldX, .electricFieldY, .electricFieldZ][axis]
        case .magneticField: [.magneticFieldX, .magneticFieldY, .magneticFieldZ][axis]
        case .strainRate: [.strainRateX, .strainRateY, .strainRateZ][axis]
        }
    }

    /// The others of the same quantity.
    var siblings: [EnvironmentVariable] { axis == nil ? [] : (0..<3).map(along).filter { $0 != self } }

    /// The strain rate along an axis, 0 (x), 1 (y) or 2 (z).
    static func strainRate(_ axis: Int) -> EnvironmentVariable { EnvironmentVariable.strainRateX.along(axis) }

    /// Of which variable, and by which factor, this one's value comes in a sample that is turned by a symmetry, and then
    /// runs backwards. An electric field is a vector, a magnetic one an axial vector, a strain rate the diagonal of a tensor.
    func source(turnedBy symmetry: CubeSymmetry, isReversed: Bool) -> (variable: EnvironmentVariable, factor: Double) {
        guard let axis else { return (self, 1) }
        let backwards = isReversed ? -1.0 : 1.0
        let factor = switch quantity {
        case .scalar: 1.0
        case .electricField: symmetry.sign[axis]
        case .magneticField: symmetry.determinant * symmetry.sign[axis] * backwards
        case .strainRate: backwards
        }
        return (along(symmetry.axis[axis]), factor)
    }
}
