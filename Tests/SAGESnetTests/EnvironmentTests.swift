import Configuration
import SAGESnetTestSupport
import Testing
@testable import SAGESnet

/// What becomes of the environment where samples are turned, mirrored or run backwards.
@Suite struct EnvironmentTests {
    private static let electric: [EnvironmentVariable] = [.electricFieldX, .electricFieldY, .electricFieldZ]
    private static let magnetic: [EnvironmentVariable] = [.magneticFieldX, .magneticFieldY, .magneticFieldZ]
    private static let strain: [EnvironmentVariable] = [.strainRateX, .strainRateY, .strainRateZ]

    private func turned(
        _ variables: [EnvironmentVariable], _ values: SIMD3<Double>, _ symmetry: CubeSymmetry, isReversed: Bool = false
    ) -> SIMD3<Double> {
        var result = SIMD3<Double>()
        for axis in 0..<3 {
            let (source, factor) = variables[axis].source(turnedBy: symmetry, isReversed: isReversed)
            result[axis] = factor * values[variables.firstIndex(of: source)!]
        }
        return result
    }

    private func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }

    /// The force E + v x B on a turned charge is the turned force; backwards in time it is the same.
    @Test func forcesTurnWithTheSample() {
        let (e, b, v) = (SIMD3(1.0, 2, 3), SIMD3(-2.0, 5, 7), SIMD3(4.0, -1, 3))
        for symmetry in CubeSymmetry.all {
            for isReversed in [false, true] {
                let velocity = (isReversed ? -1 : 1) * symmetry(v)
                let force = turned(Self.electric, e, symmetry, isReversed: isReversed)
                    + cross(velocity, turned(Self.magnetic, b, symmetry, isReversed: isReversed))
                #expect(force == symmetry(e + cross(v, b)), "\(symmetry)")
            }
        }
    }

    /// A box that grows along one axis grows along that axis's image.
    @Test func strainRatesTurnWithTheBox() {
        for symmetry in CubeSymmetry.all {
            let rates = turned(Self.strain, SIMD3(1, 2, 3), symmetry)
            for axis in 0..<3 { #expect(rates[axis] == Double(symmetry.axis[axis] + 1)) }
            #expect(turned(Self.strain, SIMD3(1, 2, 3), symmetry, isReversed: true) == -rates)
        }
    }

    @Test func directionsAreNamedTogether() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try modelConfiguration("cell: 1, environment: [\"temperature\", \"strainRateX\", \"strainRateY\"]")
        }
        #expect("\(error)".contains("strainRateX becomes strainRateZ where samples are turned"), "\(error)")
        #expect(try modelConfiguration("cell: 1, environment: [\"strainRateX\"], augmentation: false").environment == [.strainRateX])
    }

    /// The strain rate of a run is that of its boxes.
    @Test func strainRateOfARun() throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("strained") { $0.strainRate = SIMD3(0.5, 0, -0.25) }
        let configuration = try modelConfiguration(
            "cell: 1, environment: [\"strainRateX\", \"strainRateY\", \"strainRateZ\"]")
        let run = try AtomRun(path, for: configuration)
        #expect(abs(run.environment[0] - 0.5) < 1e-9 && run.environment[1] == 0 && abs(run.environment[2] + 0.25) < 1e-9)
    }
}
