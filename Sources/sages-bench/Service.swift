import CMessageObserver
import Foundation
import Kernels
import MPI

/// Cases measured on request, for programs that interleave them with those of other programs (jobs/peers/): reads one
/// command a line from standard input of rank 0, and answers each with one line. Between commands no rank is busy.
///
///     open CASE             makes the case ready                ok work=N
///     time CASE SECONDS     runs it for about SECONDS           ok seconds=S calls=N   (S of one call, wall clock)
///     calls CASE N          runs it N times                     ok seconds=S calls=N processor=C   (C of all ranks)
///     losses CASE N         N training steps                    ok L1 L2 ...
///     export CASE FILE      weights of a training case          ok
///     delay SECONDS         from now on messages take so long   ok
///     counts CASE           runs it ten times                   ok messages=N collectives=N waits=S sums=S
///                                                               (of rank 0 and one run: messages sent, collective
///                                                               operations, seconds of waiting for messages, and within
///                                                               blocking collective operations)
///
/// Cases, words joined by colons:
///
///     conv:CHANNELS:CELLS:forward|data|weights:direct|winograd|bfloat16
///                                                  one convolution on CELLS^3 cells; work is its FLOP when computed
///                                                  directly
///     train:energy|dense|bonds:CHANNELS:SIZE       one training step, one sample of SIZE^3 cells of diamond a rank; work
///                                                  is the number of weights
///     simulate:energy|dense|bonds:CHANNELS:SIZE    one step of SIZE^3 cells of diamond a rank; work is its cells,
///                                                  flops the operations of its products of matrices
///     allreduce:COUNT                              MPI's sum of COUNT float32
///     reduce:COUNT                                 the same with bits that do not depend on the ranks
///     write:ATOMS                                  one frame of a trajectory, flushed; work is its bytes
final class Service {
    static let name = "serve"
    static let summary = "cases on request over standard input (jobs/peers/compare.sh)"

    private let communicator: Communicator
    private let line: RequestSet
    private let letters: UnsafeMutableBufferPointer<Int32>
    private var cases: [String: ServedCase] = [:]

    init(_ communicator: Communicator) {
        self.communicator = communicator
        line = RequestSet(communicator: communicator, capacity: 1)
        letters = .allocate(capacity: 1024)
    }

    deinit { letters.deallocate() }

    /// Until standard input ends. Collective.
    func run() throws {
        while let command = try nextCommand() {
            let answer = try answer(command.split(separator: " ").map(String.init))
            if communicator.rank == 0 { Command.output("ok \(answer)\n") }
        }
    }

    /// The next line of rank 0's standard input, on every rank; the others sleep meanwhile, for a rank that polls takes
    /// the processor from the peer that is measured.
    private func nextCommand() throws -> String? {
        letters.update(repeating: 0)
        if communicator.rank == 0 {
            if let text = readLine() {
                letters[0] = 1
                for (index, byte) in text.utf8.prefix(letters.count - 1).enumerated() { letters[index + 1] = Int32(byte) }
            }
        }
        if communicator.size > 1 {
            try line.startAllReduce(inPlace: letters, .sum)
            while try !line.test() { usleep(500) }
        }
        guard letters[0] == 1 else { return nil }
        return String(decoding: letters[1...].prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }

    private func answer(_ words: [String]) throws -> String {
        guard words.count >= 2 else { throw BenchmarkError.unknownCase(words.joined(separator: " ")) }
        if words[0] == "delay" {
            sages_message_delay(Double(words[1]) ?? 0)
            return ""
        }
        let served = try served(words[1])
        switch (words[0], words.count) {
        case ("open", 2): return "work=\(served.work)" + (served.operations.map { " flops=\($0)" } ?? "")
        case ("time", 3):
            let (seconds, calls) = try time(served, seconds: Double(words[2]) ?? 0.05)
            return "seconds=\(seconds) calls=\(calls)"
        case ("calls", 3):
            let (seconds, processor) = try run(served, calls: max(1, Int(words[2]) ?? 1))
            return "seconds=\(seconds) calls=\(words[2]) processor=\(processor)"
        case ("counts", 2):
            try served.call()
            let calls = 10
            sages_message_counts_reset()
            for _ in 0..<calls { try served.call() }
            let counts = sages_message_counts_now()
            return "messages=\(counts.messages / calls) collectives=\(counts.collectives / calls) "
                + "waits=\(counts.wait_seconds / Double(calls)) sums=\(counts.collective_seconds / Double(calls))"
        case ("losses", 3):
            guard let training = served.training else { break }
            return try (0..<(Int(words[2]) ?? 1)).map { _ in
                try training.step()
                return "\(training.trainer.loss)"
            }.joined(separator: " ")
        case ("export", 3):
            guard let training = served.training else { break }
            try training.export(words[2])
            return ""
        default: break
        }
        throw BenchmarkError.unknownCase(words.joined(separator: " "))
    }

    private func served(_ name: String) throws -> ServedCase {
        if let known = cases[name] { return known }
        let made = try ServedCase(name, communicator)
        cases[name] = made
        return made
    }

    /// Seconds of one call by the wall clock, of the slowest rank.
    private func time(_ served: ServedCase, seconds: Double) throws -> (seconds: Double, calls: Int) {
        if served.callSeconds == nil {
            // The first call is a warm-up: it plans memory and calibrates.
            _ = try run(served, calls: 1)
            served.callSeconds = try run(served, calls: 2).seconds
        }
        let calls = max(1, Int((seconds / (served.callSeconds ?? seconds)).rounded()))
        let once = try run(served, calls: calls).seconds
        served.callSeconds = once
        return (once, calls)
    }

    /// Of one call: seconds by the wall clock of the slowest rank, and processor seconds of all ranks with their threads.
    private func run(_ served: ServedCase, calls: Int) throws -> (seconds: Double, processor: Double) {
        try communicator.barrier()
        let (start, before) = (BenchmarkClock.wall.seconds, BenchmarkClock.process.seconds)
        for _ in 0..<calls { try served.call() }
        let (seconds, processor) = (BenchmarkClock.wall.seconds - start, BenchmarkClock.process.seconds - before)
        return (
            try communicator.allReduce(seconds, .maximum) / Double(calls),
            try communicator.allReduce(processor, .sum) / Double(calls))
    }
}

/// One piece of work by name.
private final class ServedCase {
    var work = 0.0
    /// Floating point operations of the products of matrices in one call, where that is another figure.
    var operations: Double?
    let call: () throws -> Void
    var training: TrainingWork?
    var callSeconds: Double?

    init(_ name: String, _ communicator: Communicator) throws {
        let words = name.split(separator: ":").map(String.init)
        func number(_ index: Int) throws -> Int {
            guard index < words.count, let value = Int(words[index]), (1...10_000_000).contains(value) else {
                throw BenchmarkError.unknownCase(name)
            }
            return value
        }
        func model() throws -> StepModel {
            guard words.count > 2, let form = StepModel.Form(rawValue: words[1]) else {
                throw BenchmarkError.unknownCase(name)
            }
            return StepModel(form: form, channels: try number(2))
        }
        switch words.first {
        case "conv":
            guard words.count == 5, let direction = ConvolutionWork<Float>.Direction(rawValue: words[3]),
                  let algorithm = ConvolutionAlgorithm(rawValue: words[4]),
                  algorithm != .bfloat16 || InstructionSet.multipliesBFloat16 else {
                throw BenchmarkError.unknownCase(name)
            }
            let (channels, side) = (try number(1), try number(2))
            let convolution = ConvolutionWork<Float>(
                ConvolutionGeometry(
                    kernel: 3, inputChannels: channels, outputChannels: channels,
                    inputExtents: CellExtents(z: side, y: side, x: side)), algorithm: algorithm)
            work = convolution.operations
            call = { convolution.packAndRun(direction) }
        case "train":
            let training = try TrainingWork(try model(), cells: try number(3), communicator: communicator)
            self.training = training
            work = Double(training.parameterCount)
            call = { try training.step() }
        case "simulate":
            let simulation = try SimulationWork(try model(), cells: try number(3), communicator: communicator)
            work = Double(simulation.networkCells)
            operations = try StepCounts(model()).operationsPerCell * work
            call = { try simulation.step() }
        case "allreduce":
            let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: try number(1))
            numbers.update(repeating: 0)
            work = Double(numbers.count)
            call = { try communicator.allReduce(numbers, .sum) }
        case "reduce":
            let reduction = InvariantReduction(try number(1), communicator)
            work = Double(reduction.count)
            call = reduction.run
        case "write":
            let output = try OutputWork(atoms: try number(1), communicator: communicator)
            work = output.bytes
            call = output.writeFrame
        default: throw BenchmarkError.unknownCase(name)
        }
    }
}
