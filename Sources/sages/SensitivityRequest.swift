import Diagnostics
import Grid
import SAGESnet

/// What `sages evaluate --sensitivity` is asked for.
struct SensitivityRequest {
    let observable: String
    let steps: Int
    /// Two corners, x y z each.
    let region: [Double]?
    let atom: Int64?
    let isChecked: Bool
    let output: String?

    /// The name of the one observable of a grid.
    static let population = "population"
    /// How far derivatives may be from finite perturbations.
    static let tolerance = 1e-3

    /// Nil where the command line asks for something else.
    init?(_ arguments: Arguments) throws {
        guard let observable = arguments.text("sensitivity") else {
            for name in ["steps", "region", "atom", "check"] where arguments.isGiven(name) {
                throw arguments.fault("--\(name) belongs to --sensitivity, which is missing")
            }
            return nil
        }
        let names = AtomObservable.allCases.map(\.rawValue) + [Self.population]
        guard names.contains(observable) else {
            let nearest = NearestName.of(observable, in: names).map { "; did you mean \($0)?" } ?? ""
            throw arguments.fault("there is no observable '\(observable)'\(nearest)")
        }
        self.observable = observable
        steps = try arguments.requiredNumber("steps", in: .atLeast(1))
        region = try arguments.text("region").map { text in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
            let numbers = parts.compactMap(\.self)
            guard numbers.count == 6, parts.count == 6, numbers.allSatisfy(\.isFinite) else {
                throw arguments.fault("option --region must be six numbers, two corners x,y,z, not '\(text)'")
            }
            return numbers
        }
        atom = try arguments.number("atom", as: Int.self, in: .atLeast(0)).map { Int64($0) }
        guard region == nil || atom == nil else { throw arguments.fault("--region and --atom exclude each other") }
        isChecked = arguments.isGiven("check")
        output = arguments.text("out")
    }

    /// - Throws: `SAGESnetError.badRequest` for an observable of grids.
    var ofAtoms: (observable: AtomObservable, selection: AtomSelection) {
        get throws {
            guard let found = AtomObservable(rawValue: observable) else {
                throw SAGESnetError.badRequest("\(observable) is an observable of grids; the model is one of atoms")
            }
            if let atom { return (found, .atom(atom)) }
            guard let region else { return (found, .all) }
            return (found, .region(
                lower: SIMD3(region[0], region[1], region[2]), upper: SIMD3(region[3], region[4], region[5])))
        }
    }

    /// The cells observed; nil for all.
    ///
    /// - Throws: `SAGESnetError.badRequest` for what only atoms have, and for corners that are no cells.
    var ofCells: CellRange? {
        get throws {
            guard observable == Self.population, atom == nil else {
                throw SAGESnetError.badRequest(
                    "the model is one of a grid's cells; its one observable is \(Self.population), of all cells or a --region")
            }
            guard let region else { return nil }
            let whole = region.compactMap { Int(exactly: $0) }
            guard whole.count == 6 else { throw SAGESnetError.badRequest("--region of a grid must be whole numbers of cells") }
            return CellRange(
                lower: Extent3(z: whole[2], y: whole[1], x: whole[0]), upper: Extent3(z: whole[5], y: whole[4], x: whole[3]))
        }
    }

    /// - Throws: `SensitivityError` where the check failed.
    func requireAgreement(_ error: Double?) throws {
        guard let error, !(error <= Self.tolerance) else { return }
        throw SensitivityError(
            description: "the derivatives differ from finite perturbations by \(Digits.three(error)), more than "
                + "\(Digits.three(Self.tolerance)), of the greatest")
    }
}

/// Derivatives that are not those of the rollout.
struct SensitivityError: SAGESError {
    let description: String
    var exitStatus: ExitStatus { .internal }
}
