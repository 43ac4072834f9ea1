import Foundation
import Testing
@testable import Trajectory

/// Parses a string as a field, followed by a zero as in lines.
private func parse<T>(_ string: String, _ body: (UnsafeBufferPointer<UInt8>) -> T?) -> T? {
    var bytes = Array(string.utf8)
    bytes.append(0)
    return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0.dropLast())) }
}

@Suite struct NumberTests {
    @Test func doublesAreRoundedCorrectly() {
        var generator = SplitMix(state: 1)
        for _ in 0..<100_000 {
            let digits = Int.random(in: 1...21, using: &generator)
            var text = Bool.random(using: &generator) ? "-" : ""
            let point = Int.random(in: -1...digits, using: &generator)
            for position in 0..<digits {
                if position == point { text += "." }
                text += String(Int.random(in: 0...9, using: &generator))
            }
            if Bool.random(using: &generator) { text += "e\(Int.random(in: -40...40, using: &generator))" }
            #expect(parse(text, parseDouble) == Double(text), "\(text)")
        }
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            #expect(parse(value.description, parseDouble) == value)
        }
    }

    @Test(arguments: ["", "-", "+", ".", "e5", "1e", "1e+", "0x10", "nan", "inf", "-infinity", "1.2.3", "1,5", "1e400", "--1", "1d5"])
    func whatIsNoNumber(text: String) { #expect(parse(text, parseDouble) == nil) }

    @Test func integers() {
        for value in [Int64.min, -1, 0, 1, 42, .max] { #expect(parse(String(value), parseInteger) == value) }
        #expect(parse("+7", parseInteger) == 7)
        for text in ["", "-", "+", "1.0", "9223372036854775808", "-9223372036854775809", "1e3", "0x1"] {
            #expect(parse(text, parseInteger) == nil, "\(text)")
        }
    }

    @Test func wrappingIsIdempotentAndInside() {
        var generator = SplitMix(state: 2)
        for _ in 0..<200_000 {
            let origin = Double.random(in: -50..<50, using: &generator)
            let edge = Double.random(in: 0.1..<40, using: &generator)
            let box = SimulationBox(origin: SIMD3(repeating: origin), edges: SIMD3(repeating: edge))
            let faces: [Double] = [origin, origin + edge, (origin + edge).nextDown, origin.nextDown]
            let near = faces[Int.random(in: 0..<4, using: &generator)]
            let coordinate = Bool.random(using: &generator) ? near : Double.random(in: -200..<200, using: &generator)
            let (wrapped, image) = box.wrap(coordinate, axis: 0)
            #expect(wrapped - origin >= 0 && wrapped - origin < edge)
            let error: Double = wrapped + image * edge - coordinate
            #expect(abs(error) < 1e-10)
            let again = box.wrap(wrapped, axis: 0)
            #expect(again.coordinate == wrapped && again.image == 0)
        }
    }

    @Test func upperFaceKeepsTheEdge() {
        var generator = SplitMix(state: 3)
        for _ in 0..<200_000 {
            let low = Double.random(in: -50..<50, using: &generator)
            let high = low + Double.random(in: 0.1..<100, using: &generator)
            let box = SimulationBox(origin: SIMD3(repeating: low), edges: SIMD3(repeating: high - low))
            #expect(box.upper(1) - low == high - low)
        }
    }

    @Test func elementsFromMasses() {
        #expect(PeriodicTable.elements.count == 118)
        for element in PeriodicTable.elements.prefix(88) where element.symbol != "Ni" && element.symbol != "Co" {
            #expect(PeriodicTable.symbol(ofMass: element.weight) == element.symbol)
        }
        #expect(PeriodicTable.symbol(ofMass: 12) == "C")
        #expect(PeriodicTable.symbol(ofMass: 1) == "H")
        #expect(PeriodicTable.symbol(ofMass: 2.9) == nil)
        #expect(PeriodicTable.atomicNumber(of: "Og") == 118)
        #expect(PeriodicTable.atomicNumber(of: "c") == nil)
    }
}
