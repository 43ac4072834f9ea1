/// Numbers, strings and unquoted keys.
extension JSON5Parser {
    /// The identifier at the present position; empty where there is none.
    mutating func identifier() -> String {
        var word = String.UnicodeScalarView()
        while let scalar = peek {
            let isLetter = scalar == "$" || scalar == "_" || scalar.properties.isAlphabetic
            let isLater = !word.isEmpty && (("0"..."9").contains(scalar) || scalar.properties.numericType == .decimal)
            guard isLetter || isLater else { break }
            word.append(scalar)
            advance()
        }
        return String(word)
    }

    /// A decimal or hexadecimal number, signed or not.
    mutating func number() throws(ConfigurationError) -> ConfigurationValue.Content {
        let start = location
        var text = ""
        // A number ends where no character of a number or word follows: "12abc" is one wrong number.
        while let scalar = peek {
            let isSign = scalar == "+" || scalar == "-"
            let isExponentSign = isSign && (text.last == "e" || text.last == "E") && !text.lowercased().contains("x")
            guard scalar.isASCII, scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "."
                    || scalar == "_" || (isSign && text.isEmpty) || isExponentSign else { break }
            text.unicodeScalars.append(scalar)
            advance()
        }
        var digits = Substring(text)
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits = digits.dropFirst() }
        if digits == "Infinity" || digits == "NaN" {
            throw fault("a number must be finite, not \(text)", at: start)
        }
        if digits.lowercased().hasPrefix("0x") {
            let hexadecimal = digits.dropFirst(2)
            guard hexadecimal.first?.isHexDigit == true, let magnitude = Int(hexadecimal, radix: 16) else {
                throw fault("\(text) is not a hexadecimal number of 64 bits", at: start)
            }
            return .integer(isNegative ? -magnitude : magnitude)
        }
        guard Self.isDecimal(digits) else { throw fault("\(text) is not a number", at: start) }
        if digits.allSatisfy({ $0.isNumber }), let magnitude = Int(digits), !(isNegative && magnitude == 0) {
            return .integer(isNegative ? -magnitude : magnitude)
        }
        // JSON5 writes ".5" and "5." too.
        let padded = (digits.first == "." ? "0" : "") + digits
        guard let magnitude = Double(padded.replacingPoint()), magnitude.isFinite else {
            throw fault("the number \(text) is too large", at: start)
        }
        return .number(isNegative ? -magnitude : magnitude)
    }

    /// Digits with at most one point and at most one exponent, and a digit before the exponent; no leading zeros,
    /// which look like octal numbers.
    private static func isDecimal(_ text: Substring) -> Bool {
        var rest = text[...]
        let whole = rest.prefix { ("0"..."9").contains($0) }
        rest = rest.dropFirst(whole.count)
        var fraction: Substring = ""
        if rest.first == "." {
            rest = rest.dropFirst()
            fraction = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(fraction.count)
        }
        guard !(whole.isEmpty && fraction.isEmpty), !(whole.count > 1 && whole.first == "0") else { return false }
        if rest.first == "e" || rest.first == "E" {
            rest = rest.dropFirst()
            if rest.first == "+" || rest.first == "-" { rest = rest.dropFirst() }
            return !rest.isEmpty && rest.allSatisfy { ("0"..."9").contains($0) }
        }
        return rest.isEmpty
    }

    /// A string in double or single quotes.
    mutating func string() throws(ConfigurationError) -> String {
        let start = location
        let quote = peek
        advance()
        var text = String.UnicodeScalarView()
        while let scalar = peek {
            if scalar == quote {
                advance()
                return String(text)
            }
            switch scalar {
            case "\\":
                advance()
                try escape(into: &text, openedAt: start)
            case "\n", "\r":
                throw fault("a string ends on the line it begins; this one has no closing \(quote ?? "\"")", at: start)
            default:
                guard scalar.value >= 32 else { throw fault("a string may not hold \(found); write it as an escape") }
                text.append(scalar)
                advance()
            }
        }
        throw fault("this string is not closed", at: start)
    }

    private mutating func escape(into text: inout String.UnicodeScalarView,
                                 openedAt start: SourceLocation) throws(ConfigurationError) {
        guard let scalar = peek else { throw fault("this string is not closed", at: start) }
        switch scalar {
        case "n": text.append("\n")
        case "t": text.append("\t")
        case "r": text.append("\r")
        case "b": text.append("\u{8}")
        case "f": text.append("\u{C}")
        case "v": text.append("\u{B}")
        case "0" where !(peek(1).map { ("0"..."9").contains($0) } ?? false): text.append("\0")
        case "x":
            advance()
            text.append(try unicodeScalar(hexadecimal(digits: 2)))
            return
        case "u":
            advance()
            let first = try hexadecimal(digits: 4)
            guard (0xD800..<0xDC00).contains(first) else {
                text.append(try unicodeScalar(first))
                return
            }
            guard peek == "\\", peek(1) == "u" else { throw fault("half of a surrogate pair") }
            advance()
            advance()
            let second = try hexadecimal(digits: 4)
            guard (0xDC00..<0xE000).contains(second) else { throw fault("half of a surrogate pair") }
            text.append(try unicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)))
            return
        case "\r":
            // The line goes on after an escaped line end.
            if peek(1) == "\n" { advance() }
        case "\n", "\u{2028}", "\u{2029}": break
        case "1"..."9", "0": throw fault("an escape of a digit is not allowed; write \\xHH")
        default: text.append(scalar)
        }
        advance()
    }

    private mutating func hexadecimal(digits: Int) throws(ConfigurationError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = peek.flatMap({ Character($0).hexDigitValue }) else {
                throw fault("\(digits) hexadecimal digits are expected in this escape, not \(found)")
            }
            value = value << 4 | UInt32(digit)
            advance()
        }
        return value
    }

    private func unicodeScalar(_ value: UInt32) throws(ConfigurationError) -> Unicode.Scalar {
        guard let scalar = Unicode.Scalar(value) else { throw fault("half of a surrogate pair") }
        return scalar
    }
}

extension String {
    /// "5." and "5.e3" as "5.0" and "5.0e3".
    fileprivate func replacingPoint() -> String {
        guard let point = firstIndex(of: ".") else { return self }
        let next = index(after: point)
        guard next == endIndex || !("0"..."9").contains(self[next]) else { return self }
        return self[..<next] + "0" + self[next...]
    }
}
