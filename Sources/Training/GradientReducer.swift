import Autodiff
import Kernels
import MPI
import NeuralNetworks
import Tensor

/// Sums the gradients of all micro-batches of a step over all ranks, with the same bits for every number of ranks, and
/// while the backward pass is still running.
///
/// A micro-batch's gradient (floating point, the same bits wherever it is computed) is added as integers as wide as its
/// scalar, multiples of 2^-e, into one arena that is laid out in the order in which gradients are completed. Integer
/// addition is associative, so that neither the shares of the ranks nor the order of the reduction matter. The arena is
/// cut into buckets; as the last micro-batch of a rank completes a bucket, its non-blocking reduction starts, and later
/// instructions of the backward pass drive its progress. A rank without micro-batches reduces zeros.
///
/// Beside the gradients travels a short tail in 64-bit integers: loss and figures (`ExactSum`), the largest magnitudes
/// that the scales of the next step come from, and the flags on which the ranks must agree.
/// How scales are chosen, and the bounds of the error, are in `GradientReducer+Scales.swift`.
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

    let communicator: Communicator
    private let requests: RequestSet
    private let terms: [Term]
    /// Ranges of the arena of sums.
    private let buckets: [Range<Int>]
    private let sums: Buffer<Scalar.FixedPoint>
    /// A count for each flag, for each parameter the sum of the largest magnitudes, for each figure an `ExactSum`.
    private let tail: Buffer<Int64>
    private let flags: UnsafeMutablePointer<Int64>
    /// In multiples of the parameter's 2^-e.
    let largest: UnsafeMutablePointer<Int64>
    private let figures: UnsafeMutablePointer<Int64>
    private let figureCount: Int
    /// Micro-batches of a step over all ranks.
    let microBatches: Int
    /// For each parameter, in the order of the layout.
    let exponents: Buffer<Int32>
    let magnitudes: Buffer<Double>

    private var mode = Mode.sum
    private var cursor = 0
    private var startedBuckets = 0
    private var microBatch = 0
    private var isFirstMicroBatch = false
    private var isLastMicroBatch = false
    /// Whether the sums hold this pass's terms: not on a rank without micro-batches.
    private var hasSums = false
    /// The first value on this rank that is not finite, by micro-batch, then by quantity.
    private var fault: (microBatch: Int, quantity: Int)?

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
        buckets.append(begin..<end)

        self.communicator = communicator
        self.terms = terms
        self.buckets = buckets
        self.figureCount = figureCount
        self.microBatches = microBatches
        sums = Buffer(repeating: 0, count: end)
        tail = Buffer(
            repeating: 0, count: Flag.allCases.count + layout.parameters.count + figureCount * ExactSum.digits)
        flags = tail.pointer
        largest = flags + Flag.allCases.count
        figures = largest + layout.parameters.count
        requests = RequestSet(communicator: communicator, capacity: buckets.count + 1)
        exponents = Buffer(repeating: Self.unknownExponent, count: layout.parameters.count)
        magnitudes = Buffer(repeating: 0, count: layout.parameters.count)
    }

    /// The number of reductions of gradients that a step starts.
    var bucketCount: Int { buckets.count }

    /// Bytes of each reduction that a step starts.
    var reductionBytes: [Int] {
        buckets.map { $0.count * MemoryLayout<Scalar.FixedPoint>.stride } + [tail.count * MemoryLayout<Int64>.stride]
    }

    // MARK: A pass over the rank's micro-batches

    /// Begins the sums of a step. With `calibrating`, magnitudes are found instead, for `finishCalibration`.
    func begin(calibrating: Bool = false) {
        mode = calibrating ? .calibrate : .sum
        startedBuckets = 0
        fault = nil
        if calibrating {
            magnitudes.pointer.update(repeating: 0, count: magnitudes.count)
        } else {
            hasSums = false
            tail.pointer.update(repeating: 0, count: tail.count)
        }
    }

    /// - Parameters:
    ///   - index: the micro-batch's number in the step, over all ranks.
    ///   - share: this rank's micro-batches, which are taken in order.
    func beginMicroBatch(_ index: Int, of share: Range<Int>) {
        cursor = 0
        microBatch = index
        isFirstMicroBatch = index == share.lowerBound
        isLastMicroBatch = index == share.upperBound - 1
        if mode == .sum { hasSums = true }
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
        let exponent = exponents.pointer[term.parameter]
        let largest: Double
        switch mode {
        case .calibrate:
            largest = largestMagnitude(term.gradient, count: term.count)
            magnitudes.pointer[term.parameter] = max(magnitudes.pointer[term.parameter], largest)
            return
        case .sum where exponent == Self.unknownExponent:
            largest = largestMagnitude(term.gradient, count: term.count)
            if isFirstMicroBatch { (sums.pointer + term.sums).update(repeating: 0, count: term.count) }
            if largest > 0 { raise(.outOfRange) }
        case .sum:
            let scale = Self.scale(exponent)
            largest = Scalar.accumulateFixedPoint(
                sums.pointer + term.sums, term.gradient, scale: scale, count: term.count, isFirst: isFirstMicroBatch)
            if largest * scale > largestTerm {
                raise(.outOfRange)
            } else if largest.isFinite {
                self.largest[term.parameter] += Int64((largest * scale).rounded(.up))
            }
        }
        if !largest.isFinite { noteFault(quantity: figureCount + term.parameter) }
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
        if !hasSums { sums.pointer.update(repeating: 0, count: sums.count) }
        while startedBuckets < buckets.count { try startReduction(of: startedBuckets) }
        try requests.startAllReduce(inPlace: tail.span, .sum)
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

    /// Writes the mean gradient over the step's micro-batches to an arena of the layout, and sets the scales for the
    /// next step.
    func writeMeans(to arena: UnsafeMutablePointer<Scalar>) {
        for term in terms {
            // A gradient that was zero so far has zero sums, whatever the scale.
            let exponent = exponents.pointer[term.parameter]
            let scale = exponent == Self.unknownExponent ? 1 : Self.scale(exponent)
            Scalar.fromFixedPoint(
                arena + term.offset, sums.pointer + term.sums, divisor: scale * Double(microBatches), count: term.count)
        }
        followMagnitudes()
    }
}
