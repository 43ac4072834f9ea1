import Autodiff
import Kernels
import MPI
import NeuralNetworks
import Tensor

/// Sums the gradients of all micro-batches of a step over all ranks, with the same bits for every number of ranks, and
/// while the backward pass is still running.
///
/// A micro-batch's gradient (floating point, the same bits wherever it is computed) is added as 64-bit integers,
/// multiples of 2^-e, into one arena that is laid out in the order in which gradients are completed. Integer addition
/// is associative, so that neither the shares of the ranks nor the order of the reduction matter. The arena is cut into
/// buckets; as the last micro-batch of a rank completes a bucket, its non-blocking reduction starts, and later
/// instructions of the backward pass drive its progress. A rank without micro-batches reduces zeros.
///
/// **Scale.** Each parameter has its own exponent e, a function of what all ranks know: r, the mean over micro-batches
/// of the largest magnitude of the parameter's gradient in the step before, is mapped to 2^(51 - 12). If a gradient
/// exceeds 2^12 r, or r has fallen by more than 2^10, all ranks learn of it by the same reduction, find the largest
/// magnitudes by a maximum and repeat the step's sums. So |error of a sum of M gradients| <= M/2 * 2^-39 r, at worst
/// M/2 * 2^-29 r, where float32 itself rounds each gradient's largest elements to 2^-24 of them.
///
/// Behind the gradients, in the last bucket, travel loss and figures (`ExactSum`), r of each parameter, and the
/// flags on which the ranks must agree: one reduction serves all.
final class GradientReducer<Scalar: TrainingScalar> {
    /// One parameter's gradient.
    private struct Term {
        /// Index in the layout.
        let parameter: Int
        let gradient: UnsafePointer<Scalar>
        /// The instruction that completes it.
        let completion: Int
        /// First element in the arena of sums and in that of the layout.
        let sums: Int
        let offset: Int
        let count: Int
        /// The bucket that this term completes, if it does.
        let closes: Int?
    }

    /// Flags that any rank may raise, and every rank sees after the reduction.
    enum Flag: Int, CaseIterable {
        /// A loss or gradient is not finite.
        case notFinite
        /// A gradient exceeded its scale's range.
        case outOfRange
        /// A rank received a signal to stop.
        case stop
        /// The time for a checkpoint has come, by rank 0's clock.
        case checkpoint
    }

    private enum Mode { case sum, calibrate }

    private let communicator: Communicator
    private let requests: RequestSet
    private let terms: [Term]
    /// Ranges of the arena; the last one includes the tail.
    private let buckets: [Range<Int>]
    private let sums: Buffer<Int64>
    /// Behind the gradients: a count for each flag, for each parameter the sum of the largest magnitudes, for each
    /// figure an `ExactSum`.
    private let flags: UnsafeMutablePointer<Int64>
    private let largest: UnsafeMutablePointer<Int64>
    private let figures: UnsafeMutablePointer<Int64>
    private let figureCount: Int
    /// Micro-batches of a step over all ranks.
    private let microBatches: Int
    /// Bits of a single gradient that keep the sum of all below 2^62.
    private let bits: Int
    /// For each parameter, in the order of the layout.
    private let exponents: Buffer<Int32>
    private let magnitudes: Buffer<Double>

    private var mode = Mode.sum
    private var cursor = 0
    private var startedBuckets = 0
    private var microBatch = 0
    private var isLastMicroBatch = false
    /// The first value on this rank that is not finite, by micro-batch, then by quantity.
    private var fault: (microBatch: Int, quantity: Int)?

    /// Room between r and the largest representable gradient, as a power of two.
    private static var headroomBits: Int { 12 }
    /// The fall of r, as a power of two, that makes the step's sums too coarse.
    private static var fallBits: Int { 10 }
    /// The exponent of a parameter whose gradient was zero so far: any other gradient is out of range.
    private static var unknownExponent: Int32 { 1000 }

    /// - Parameters:
    ///   - gradients: for each parameter of the layout, its gradient in `program`.
    ///   - figureCount: figures summed beside, the loss among them.
    ///   - microBatches: in a step, over all ranks.
    ///   - bucketElements: at least so many elements make a bucket; the first one, whose reduction is to start early,
    ///     is an eighth of it.
    init(
        layout: ParameterLayout, gradients: [Variable<Scalar>], program: Program<Scalar>, figureCount: Int,
        microBatches: Int, communicator: Communicator, bucketElements: Int
    ) {
        let completions = gradients.map { program.completionIndex(of: $0) }
        let order = completions.indices.sorted { (completions[$0], $0) < (completions[$1], $1) }
        var terms: [Term] = []
        var buckets: [Range<Int>] = []
        var (begin, end) = (0, 0)
        for parameter in order {
            let entry = layout.parameters[parameter]
            let position = end
            end += entry.shape.count
            let target = buckets.isEmpty ? bucketElements / 8 : bucketElements
            let isFull = end - begin >= max(target, 1) && parameter != order.last
            terms.append(
                Term(
                    parameter: parameter, gradient: UnsafePointer(program.pointer(to: gradients[parameter])),
                    completion: completions[parameter], sums: position, offset: entry.offset, count: entry.shape.count,
                    closes: isFull ? buckets.count : nil))
            if isFull {
                buckets.append(begin..<end)
                begin = end
            }
        }
        let tailCount = Flag.allCases.count + layout.parameters.count + figureCount * ExactSum.digits
        buckets.append(begin..<(end + tailCount))

        self.communicator = communicator
        self.terms = terms
        self.buckets = buckets
        self.figureCount = figureCount
        self.microBatches = microBatches
        bits = min(fixedPointBits, 62 - (Int.bitWidth - (microBatches - 1).leadingZeroBitCount))
        sums = Buffer(repeating: 0, count: end + tailCount)
        flags = sums.pointer + end
        largest = flags + Flag.allCases.count
        figures = largest + layout.parameters.count
        requests = RequestSet(communicator: communicator, capacity: buckets.count)
        exponents = Buffer(repeating: Self.unknownExponent, count: layout.parameters.count)
        magnitudes = Buffer(repeating: 0, count: layout.parameters.count)
    }

    /// The number of reductions that a step starts.
    var bucketCount: Int { buckets.count }

    // MARK: A pass over the rank's micro-batches

    /// Begins the sums of a step. With `calibrating`, magnitudes are found instead, for `finishCalibration`.
    func begin(calibrating: Bool = false) {
        mode = calibrating ? .calibrate : .sum
        startedBuckets = 0
        fault = nil
        if calibrating {
            magnitudes.pointer.update(repeating: 0, count: magnitudes.count)
        } else {
            sums.pointer.update(repeating: 0, count: sums.count)
        }
    }

    /// - Parameters:
    ///   - index: the micro-batch's number in the step, over all ranks.
    ///   - isLast: whether it is this rank's last in the step.
    func beginMicroBatch(_ index: Int, isLast: Bool) {
        cursor = 0
        microBatch = index
        isLastMicroBatch = isLast
    }

    /// Takes the gradients that are complete after an instruction, and starts the reduction of a bucket that is.
    func advance(after instruction: Int) throws {
        while cursor < terms.count && terms[cursor].completion <= instruction {
            let term = terms[cursor]
            cursor += 1
            take(term)
            if isLastMicroBatch, mode == .sum, let bucket = term.closes { try startReduction(of: bucket) }
        }
        if requests.count > 0 { _ = try requests.test() }
    }

    private func take(_ term: Term) {
        switch mode {
        case .calibrate:
            let largest = largestMagnitude(term.gradient, count: term.count)
            magnitudes.pointer[term.parameter] = max(magnitudes.pointer[term.parameter], largest)
        case .sum:
            let scale = Double(sign: .plus, exponent: Int(exponents.pointer[term.parameter]), significand: 1)
            let largest = accumulateFixedPoint(
                sums.pointer + term.sums, term.gradient, scale: scale, count: term.count)
            if !largest.isFinite {
                noteFault(quantity: figureCount + term.parameter)
            } else if largest > Double(sign: .plus, exponent: bits, significand: 1) / scale {
                raise(.outOfRange)
            } else {
                self.largest[term.parameter] += Int64((largest * scale).rounded())
            }
        }
    }

    /// Adds the micro-batch's loss (figure 0) or another figure.
    func addFigure(_ figure: Int, _ value: Scalar) {
        guard mode == .sum else { return }
        if !ExactSum.add(Double(value), to: figureSum(figure)) { noteFault(quantity: figure) }
    }

    private func noteFault(quantity: Int) {
        raise(.notFinite)
        if let fault, (fault.microBatch, fault.quantity) < (microBatch, quantity) { return }
        fault = (microBatch, quantity)
    }

    /// Raises a flag for all ranks; before `finish`.
    func raise(_ flag: Flag) { flags[flag.rawValue] += 1 }

    private func startReduction(of bucket: Int) throws {
        guard communicator.size > 1 else { return }
        let range = buckets[bucket]
        try requests.startAllReduce(
            inPlace: UnsafeMutableBufferPointer(start: sums.pointer + range.lowerBound, count: range.count), .sum)
        startedBuckets = bucket + 1
    }

    /// Waits for the sums over all ranks. Collective.
    func finish() throws {
        guard communicator.size > 1 else { return }
        while startedBuckets < buckets.count { try startReduction(of: startedBuckets) }
        try requests.wait()
    }

    // MARK: Results, the same on every rank

    /// Whether any rank raised the flag.
    func isRaised(_ flag: Flag) -> Bool { flags[flag.rawValue] != 0 }

    /// The mean of a figure over the step's micro-batches.
    func figure(_ figure: Int) -> Double { ExactSum.value(figureSum(figure)) / Double(microBatches) }

    private func figureSum(_ figure: Int) -> UnsafeMutablePointer<Int64> {
        figures + figure * ExactSum.digits
    }

    /// The first value that is not finite, by micro-batch, then by quantity: the figures, loss first, then the
    /// parameters' gradients. Collective; called when `.notFinite` is raised.
    func agreeOnFault() throws -> (microBatch: Int, quantity: Int) {
        let quantities = figureCount + exponents.count
        let code = fault.map { $0.microBatch * quantities + $0.quantity } ?? Int.max
        let first = try communicator.allReduce(code, .minimum)
        return (first / quantities, first % quantities)
    }

    /// Whether the sums are too coarse or have overflowed, so that the pass must be repeated after a calibration.
    var needsCalibration: Bool {
        if isRaised(.outOfRange) { return true }
        for parameter in 0..<exponents.count {
            let known = exponents.pointer[parameter]
            if let fitting = fittingExponent(of: parameter), Int(fitting - known) > Self.fallBits { return true }
        }
        return false
    }

    /// Sets the scales by the largest magnitudes that all ranks' calibrating passes met. Collective.
    func finishCalibration() throws {
        if communicator.size > 1 { try communicator.allReduce(magnitudes.span, .maximum) }
        for parameter in 0..<exponents.count where magnitudes.pointer[parameter] > 0 {
            exponents.pointer[parameter] = exponent(for: magnitudes.pointer[parameter])
        }
    }

    /// Writes the mean gradient over the step's micro-batches to an arena of the layout, and sets the scales for the
    /// next step.
    func writeMeans(to arena: UnsafeMutablePointer<Scalar>) {
        for term in terms {
            let scale = Double(sign: .plus, exponent: Int(exponents.pointer[term.parameter]), significand: 1)
            fromFixedPoint(
                arena + term.offset, sums.pointer + term.sums, scale: scale * Double(microBatches), count: term.count)
            if let fitting = fittingExponent(of: term.parameter) { exponents.pointer[term.parameter] = fitting }
        }
    }

    /// The exponent that suits r of the step just summed; nil for a gradient that is zero.
    private func fittingExponent(of parameter: Int) -> Int32? {
        let sum = largest[parameter]
        guard sum > 0 else { return nil }
        let scale = Double(sign: .plus, exponent: Int(exponents.pointer[parameter]), significand: 1)
        return exponent(for: Double(sum) / scale / Double(microBatches))
    }

    /// The exponent that maps a magnitude to at most 2^(bits - headroom); the power of two itself must be a number.
    private func exponent(for magnitude: Double) -> Int32 {
        min(Int32(bits - Self.headroomBits - (Int(magnitude.exponent) + 1)), Self.unknownExponent)
    }

    /// The exponents by parameter, for the checkpoint: they are part of the state that decides the bits to come.
    var scaleExponents: [Int32] {
        get { Array(exponents.span) }
        set {
            precondition(
                newValue.count == exponents.count, "\(newValue.count) exponents of \(exponents.count) parameters")
            _ = exponents.span.update(from: newValue)
        }
    }
}
