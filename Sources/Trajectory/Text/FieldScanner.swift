import Foundation

/// The fields of a line, separated by blanks.
struct FieldScanner {
    typealias Field = UnsafeBufferPointer<UInt8>

    private var position: UnsafePointer<UInt8>?
    private let end: UnsafePointer<UInt8>?

    init(_ line: UnsafeBufferPointer<UInt8>) {
        position = line.baseAddress
        end = line.baseAddress.map { $0 + line.count }
    }

    /// The next field; nil at the end of the line.
    @inline(__always)
    mutating func next() -> Field? {
        guard var current = position, let end else { return nil }
        while current < end && isBlank(current.pointee) { current += 1 }
        if current == end {
            position = current
            return nil
        }
        let start = current
        while current < end && !isBlank(current.pointee) { current += 1 }
        position = current
        return Field(start: start, count: current - start)
    }

    mutating func nextInteger() -> Int64? { next().flatMap(parseInteger) }

    mutating func nextDouble() -> Double? { next().flatMap(parseDouble) }

    /// The fields that are left, as strings.
    mutating func rest() -> [String] {
        var fields: [String] = []
        while let field = next() { fields.append(String(decoding: field, as: UTF8.self)) }
        return fields
    }
}

/// A decimal integer with an optional sign; nil if the field is anything else or does not fit.
func parseInteger(_ field: UnsafeBufferPointer<UInt8>) -> Int64? {
    guard let first = field.first else { return nil }
    let isNegative = first == 0x2d
    let digits = isNegative || first == 0x2b ? field.dropFirst() : field[...]
    guard !digits.isEmpty else { return nil }
    var value: Int64 = 0
    for byte in digits {
        guard byte >= 0x30 && byte <= 0x39 else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let digit = Int64(byte - 0x30)
        let (sum, overflowOfSum) = isNegative
            ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
        if overflow || overflowOfSum { return nil }
        value = sum
    }
    return value
}

/// 10^0 to 10^22, which doubles hold exactly.
private let powersOfTen: [Double] = (0...22).map { exponent in (0..<exponent).reduce(1.0) { power, _ in power * 10 } }

/// A finite decimal number, rounded correctly; nil if the field is anything else. The byte after the field must not
/// continue the number.
///
/// Up to 2^53 times or over a power of ten up to 10^22 both operands are exact, so that one correctly rounded
/// operation gives the correctly rounded number (Clinger's fast path); the rest goes to the C library.
func parseDouble(_ field: UnsafeBufferPointer<UInt8>) -> Double? {
    guard let start = field.baseAddress, field.count > 0 else { return nil }
    let end = start + field.count
    var current = start
    let isNegative = current.pointee == 0x2d
    if isNegative || current.pointee == 0x2b { current += 1 }
    var mantissa: UInt64 = 0
    var digits = 0
    var exponent = 0
    while current < end, case let digit = current.pointee &- 0x30, digit <= 9 {
        mantissa = mantissa &* 10 &+ UInt64(digit)
        digits += 1
        current += 1
    }
    if current < end && current.pointee == 0x2e {
        current += 1
        while current < end, case let digit = current.pointee &- 0x30, digit <= 9 {
            mantissa = mantissa &* 10 &+ UInt64(digit)
            digits += 1
            exponent -= 1
            current += 1
        }
    }
    guard digits > 0 else { return nil }
    if current < end && (current.pointee | 0x20) == 0x65 {
        current += 1
        let isNegativeExponent = current < end && current.pointee == 0x2d
        if current < end && (isNegativeExponent || current.pointee == 0x2b) { current += 1 }
        var magnitude = 0
        let first = current
        while current < end, case let digit = current.pointee &- 0x30, digit <= 9 {
            magnitude = min(magnitude * 10 + Int(digit), 100_000)
            current += 1
        }
        guard current > first else { return nil }
        exponent += isNegativeExponent ? -magnitude : magnitude
    }
    guard current == end else { return nil }
    if digits <= 19 && mantissa <= 1 << 53 && exponent >= -22 && exponent <= 22 {
        let value = exponent < 0 ? Double(mantissa) / powersOfTen[-exponent] : Double(mantissa) * powersOfTen[exponent]
        return isNegative ? -value : value
    }
    var stop: UnsafeMutablePointer<CChar>?
    let value = start.withMemoryRebound(to: CChar.self, capacity: field.count + 1) { strtod($0, &stop) }
    return value.isFinite ? value : nil
}

/// Whether the field is exactly this ASCII text.
func equal(_ field: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
    field.count == text.utf8CodeUnitCount && begins(field, with: text)
}

/// Whether the line begins with this ASCII text.
func begins(_ line: UnsafeBufferPointer<UInt8>, with text: StaticString) -> Bool {
    guard let start = line.baseAddress, line.count >= text.utf8CodeUnitCount else { return false }
    return memcmp(start, text.utf8Start, text.utf8CodeUnitCount) == 0
}
