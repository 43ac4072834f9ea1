import CSUNDIALS

/// Solves stiff initial-value problems with CVODE of SUNDIALS: backward differentiation formulas of order 1 to 5 with a step
/// and an order that follow the error, and Newton's method with the system's Jacobian.
///
/// One problem after the other; memory is kept. To be used from one thread at a time.
public final class StiffSolver {
    /// How Newton's equations are solved.
    public enum LinearAlgebra: String, Sendable, CaseIterable {
        /// LU factors of the whole matrix.
        case dense
        /// KLU's factors of what is not zero.
        case sparse
    }

    /// Local errors are kept below `relative` |y_i| + `absolute`[i].
    public struct Tolerances: Sendable, Equatable {
        public var relative: Double
        /// One for each unknown, or one for all.
        public var absolute: [Double]

        public init(relative: Double, absolute: [Double]) {
            (self.relative, self.absolute) = (relative, absolute)
        }

        public init(relative: Double, absolute: Double) { self.init(relative: relative, absolute: [absolute]) }
    }

    /// What a solution took.
    public struct Statistics: Sendable, Equatable {
        public var steps = 0
        public var derivatives = 0
        public var jacobians = 0
        public var factorizations = 0
        public var errorFailures = 0
    }

    /// What the callbacks need.
    fileprivate final class Context {
        let system: any StiffSystem
        let linearAlgebra: LinearAlgebra
        let pattern: JacobianPattern
        let entries: UnsafeMutablePointer<Double>
        var invariants: LinearInvariants

        init(_ system: any StiffSystem, _ linearAlgebra: LinearAlgebra, _ invariants: [[Double]]) {
            (self.system, self.linearAlgebra) = (system, linearAlgebra)
            self.invariants = LinearInvariants(invariants)
            pattern = system.pattern
            entries = .allocate(capacity: pattern.entryCount)
        }

        deinit { entries.deallocate() }
    }

    public let tolerances: Tolerances
    private let context: Context
    private let count: Int
    private var library: SUNContext?
    private var memory: UnsafeMutableRawPointer?
    private var state, absolute: N_Vector?
    private var matrix: SUNMatrix?
    private var solver: SUNLinearSolver?
    private var time = 0.0

    /// - Parameters:
    ///   - invariants: weights of sums of the unknowns that no solution changes, [n] each; every step is put back on to them, where
    ///     rounding leads away. The unknowns are then positive.
    ///   - mostSteps: between two times that are asked for; more is an error.
    /// - Throws: `ODEError` if the library has no memory.
    public init(
        _ system: any StiffSystem, tolerances: Tolerances, linearAlgebra: LinearAlgebra = .dense, invariants: [[Double]] = [],
        mostSteps: Int = 10_000_000
    ) throws {
        let count = system.count
        precondition([1, count].contains(tolerances.absolute.count), "\(tolerances.absolute.count) tolerances")
        precondition(system.pattern.count == count, "a pattern of \(system.pattern.count) unknowns, not \(count)")
        self.tolerances = tolerances
        self.count = count
        context = Context(system, linearAlgebra, invariants)
        var library: SUNContext?
        _ = SUNContext_Create(nil, &library)
        self.library = library
        state = N_VNew_Serial(sunindextype(count), library)
        absolute = N_VNew_Serial(sunindextype(count), library)
        memory = CVodeCreate(CV_BDF, library)
        switch linearAlgebra {
        case .dense:
            matrix = SUNDenseMatrix(sunindextype(count), sunindextype(count), library)
            solver = SUNLinSol_Dense(state, matrix, library)
        case .sparse:
            let entries = sunindextype(context.pattern.entryCount)
            matrix = SUNSparseMatrix(sunindextype(count), sunindextype(count), entries, CSC_MAT, library)
            solver = SUNLinSol_KLU(state, matrix, library)
        }
        guard let state, let absolute, let memory, let matrix, let solver else {
            throw ODEError(reason: "CVODE has no memory for \(count) unknowns", time: 0)
        }
        for index in 0..<count {
            sages_sun_values(state)[index] = 0
            sages_sun_values(absolute)[index] = tolerances.absolute[tolerances.absolute.count == 1 ? 0 : index]
        }
        try check(
            CVodeInit(
                memory, { time, y, derivative, data in
                    guard let y, let derivative, let data else { return -1 }
                    let context = Unmanaged<Context>.fromOpaque(data).takeUnretainedValue()
                    let target: UnsafeMutablePointer<Double> = sages_sun_values(derivative)
                    context.system.differentiate(at: time, sages_sun_values(y), into: target)
                    var sum = 0.0
                    for index in 0..<context.pattern.count { sum += target[index] }
                    // A positive number asks for a shorter step.
                    return sum.isFinite ? 0 : 1
                }, 0, state))
        try check(CVodeSetUserData(memory, Unmanaged.passUnretained(context).toOpaque()))
        try check(CVodeSVtolerances(memory, tolerances.relative, absolute))
        try check(CVodeSetLinearSolver(memory, solver, matrix))
        try check(
            CVodeSetJacFn(memory) { time, y, _, jacobian, data, _, _, _ in
                guard let y, let jacobian, let data else { return -1 }
                Unmanaged<Context>.fromOpaque(data).takeUnretainedValue().linearize(at: time, y, into: jacobian)
                return 0
            })
        if !invariants.isEmpty {
            try check(
                CVodeSetProjFn(memory) { _, y, correction, _, _, data in
                    guard let y, let correction, let data else { return -1 }
                    Unmanaged<Context>.fromOpaque(data).takeUnretainedValue().invariants.correct(
                        sages_sun_values(y), into: sages_sun_values(correction))
                    return 0
                })
            // Corrections are of the size of rounding.
            try check(CVodeSetProjErrEst(memory, 0))
        }
        try check(CVodeSetMaxNumSteps(memory, mostSteps))
        // Failures are thrown; none is written to standard error.
        try check(CVodeSetErrFile(memory, nil))
    }

    deinit {
        if memory != nil { CVodeFree(&memory) }
        if let solver { _ = SUNLinSolFree(solver) }
        if let matrix { SUNMatDestroy(matrix) }
        if let absolute { N_VDestroy(absolute) }
        if let state { N_VDestroy(state) }
        if library != nil { _ = SUNContext_Free(&library) }
    }

    /// Begins a problem.
    ///
    /// - Parameter values: at `time`. [n]
    public func start(at time: Double, _ values: UnsafePointer<Double>) throws {
        guard let memory, let state else { preconditionFailure("a solver without memory") }
        sages_sun_values(state).update(from: values, count: count)
        context.invariants.take(values)
        self.time = time
        try check(CVodeReInit(memory, time, state))
    }

    /// Goes on to a later time and writes the solution there: the method's polynomial, so that steps do not depend on the
    /// times asked for.
    ///
    /// - Parameter values: [n]
    /// - Throws: `ODEError` with the time that was reached.
    public func advance(to time: Double, into values: UnsafeMutablePointer<Double>) throws {
        guard let memory, let state else { preconditionFailure("a solver without memory") }
        guard time > self.time else {
            precondition(time == self.time, "a solution does not go back")
            return values.update(from: sages_sun_values(state), count: count)
        }
        let status = CVode(memory, time, state, &self.time, CV_NORMAL)
        if status < 0 { _ = CVodeGetCurrentTime(memory, &self.time) }
        try check(status)
        values.update(from: sages_sun_values(state), count: count)
    }

    /// Of the problem so far.
    public var statistics: Statistics {
        guard let memory else { return Statistics() }
        var statistics = Statistics()
        func number(_ read: (UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> Int32) -> Int {
            var value = 0
            _ = read(memory, &value)
            return value
        }
        statistics.steps = number(CVodeGetNumSteps)
        statistics.derivatives = number(CVodeGetNumRhsEvals)
        statistics.jacobians = number(CVodeGetNumJacEvals)
        statistics.factorizations = number(CVodeGetNumLinSolvSetups)
        statistics.errorFailures = number(CVodeGetNumErrTestFails)
        return statistics
    }

    private func check(_ status: Int32) throws {
        guard status < 0 else { return }
        let name = CVodeGetReturnFlagName(Int(status)).map { text in
            defer { free(text) }
            return String(cString: text)
        }
        throw ODEError(reason: StiffSolver.meaning(of: status) ?? name ?? "status \(status)", time: time)
    }

    private static func meaning(of status: Int32) -> String? {
        switch status {
        case CV_TOO_MUCH_WORK: "too many steps between two times that were asked for"
        case CV_TOO_MUCH_ACC: "the tolerances are finer than double precision"
        case CV_ERR_FAILURE: "the error stays above the tolerance however short the step"
        case CV_CONV_FAILURE: "Newton's method does not converge however short the step"
        case CV_FIRST_RHSFUNC_ERR: "the derivative at the start is not finite"
        case CV_REPTD_RHSFUNC_ERR, CV_UNREC_RHSFUNC_ERR: "the derivative is not finite"
        case CV_LSETUP_FAIL, CV_LSOLVE_FAIL: "the linear equations cannot be solved"
        default: nil
        }
    }
}

extension StiffSolver.Context {
    /// Writes the Jacobian in the library's form.
    fileprivate func linearize(at time: Double, _ y: N_Vector, into matrix: SUNMatrix) {
        let count = pattern.count
        entries.update(repeating: 0, count: pattern.entryCount)
        system.linearize(at: time, sages_sun_values(y), into: entries)
        switch linearAlgebra {
        case .dense:
            let target: UnsafeMutablePointer<Double> = sages_sun_dense_values(matrix)
            target.update(repeating: 0, count: count * count)
            for column in 0..<count {
                for entry in pattern.starts[column]..<pattern.starts[column + 1] {
                    target[column * count + pattern.rows[entry]] = entries[entry]
                }
            }
        case .sparse:
            let (starts, rows) = (sages_sun_sparse_columns(matrix), sages_sun_sparse_rows(matrix))
            for column in 0...count { starts?[column] = sunindextype(pattern.starts[column]) }
            for entry in 0..<pattern.entryCount { rows?[entry] = sunindextype(pattern.rows[entry]) }
            sages_sun_sparse_values(matrix)?.update(from: entries, count: pattern.entryCount)
        }
    }
}
