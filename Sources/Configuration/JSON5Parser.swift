/// A recursive-descent parser of JSON5 text that keeps the place of every key and value.
///
/// It accepts JSON5 1.0 except for what a configuration has no use for: Infinity and NaN, and escapes in unquoted
/// keys. Duplicate keys, nesting deeper than `maximumDepth` and anything after the value are errors.
struct JSON5Parser {
    static let maximumDepth = 64
    /// A configuration is written by hand; a file larger than this is another kind of file.
    static let maximumBytes = 4 << 20

    let source: String
    let scalars: [Unicode.Scalar]
    var position = 0
    var line = 1
    /// Position of the first scalar of the present line.
    var lineStart = 0

    /// Parses a whole text.
    static func parse(_ bytes: some Collection<UInt8>, source: String) throws(ConfigurationError) -> ConfigurationValue {
        let start = SourceLocation(source: source, line: 1, column: 1)
        guard bytes.count <= maximumBytes else {
            throw ConfigurationError(.syntax("the file has more than \(maximumBytes >> 20) MiB; "
                                             + "a configuration is a short JSON5 text"), at: start)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(.syntax("the file is not UTF-8 text"), at: start)
        }
        var parser = JSON5Parser(source: source, scalars: Array(text.unicodeScalars))
        if parser.peek == "\u{FEFF}" { parser.position = 1 }
        try parser.skipSpace()
        let value = try parser.value(depth: 0)
        try parser.skipSpace()
        guard parser.peek == nil else {
            throw parser.fault("nothing may follow the value, but there is \(parser.found)")
        }
        return value
    }

    private init(source: String, scalars: [Unicode.Scalar]) {
        self.source = source
        self.scalars = scalars
    }

    var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    func peek(_ offset: Int) -> Unicode.Scalar? {
        position + offset < scalars.count ? scalars[position + offset] : nil
    }

    var location: SourceLocation {
        SourceLocation(source: source, line: line, column: position - lineStart + 1)
    }

    /// What stands at the present position, in words.
    var found: String {
        guard let scalar = peek else { return "the end of the text" }
        if scalar.value < 32 || scalar.value == 127 {
            return "the character U+" + String(scalar.value, radix: 16, uppercase: true)
        }
        return "'\(scalar)'"
    }

    func fault(_ message: String, at place: SourceLocation? = nil) -> ConfigurationError {
        ConfigurationError(.syntax(message), at: place ?? location)
    }

    /// Steps over one scalar, counting lines.
    mutating func advance() {
        let scalar = scalars[position]
        position += 1
        let isLineEnd = scalar == "\n" || scalar == "\u{2028}" || scalar == "\u{2029}"
            || (scalar == "\r" && peek != "\n")
        if isLineEnd {
            line += 1
            lineStart = position
        }
    }

    /// Skips white space and comments.
    mutating func skipSpace() throws(ConfigurationError) {
        while let scalar = peek {
            if scalar == "/" {
                try skipComment()
            } else if scalar.properties.isWhitespace || scalar == "\u{FEFF}" {
                advance()
            } else {
                return
            }
        }
    }

    private mutating func skipComment() throws(ConfigurationError) {
        let start = location
        switch peek(1) {
        case "/":
            let first = line
            while peek != nil, line == first { advance() }
        case "*":
            advance()
            advance()
            while peek != nil {
                if peek == "*", peek(1) == "/" {
                    advance()
                    advance()
                    return
                }
                advance()
            }
            throw fault("this comment is not closed with */", at: start)
        default:
            throw fault("a comment begins with // or /*")
        }
    }

    private mutating func value(depth: Int) throws(ConfigurationError) -> ConfigurationValue {
        let start = location
        guard depth < Self.maximumDepth else {
            throw fault("values are nested deeper than \(Self.maximumDepth) levels")
        }
        guard let scalar = peek else { throw fault("a value is expected, but the text ends here") }
        switch scalar {
        case "{": return ConfigurationValue(.object(try members(depth: depth)), at: start)
        case "[": return ConfigurationValue(.array(try elements(depth: depth)), at: start)
        case "\"", "'": return ConfigurationValue(.string(try string()), at: start)
        case "0"..."9", "+", "-", ".": return ConfigurationValue(try number(), at: start)
        default:
            let word = identifier()
            switch word {
            case "true": return ConfigurationValue(.boolean(true), at: start)
            case "false": return ConfigurationValue(.boolean(false), at: start)
            case "null": return ConfigurationValue(.null, at: start)
            case "Infinity", "NaN": throw fault("a number must be finite, not \(word)", at: start)
            case "": throw fault("a value is expected, not \(found)")
            default: throw fault("a value is expected, not the word \(word); text stands in quotes", at: start)
            }
        }
    }

    private mutating func members(depth: Int) throws(ConfigurationError) -> [ConfigurationValue.Member] {
        let start = location
        var members: [ConfigurationValue.Member] = []
        var firstPlace: [String: SourceLocation] = [:]
        advance()
        while true {
            try skipSpace()
            if peek == "}" { break }
            let place = location
            let key = try self.key(in: start)
            if let first = firstPlace[key] {
                throw ConfigurationError(.duplicateKey(firstAt: first), at: place, keyPath: key)
            }
            firstPlace[key] = place
            try skipSpace()
            guard peek == ":" else { throw fault("':' is expected after the key '\(key)', not \(found)") }
            advance()
            try skipSpace()
            members.append(.init(key: key, keyLocation: place, value: try value(depth: depth + 1)))
            try skipSpace()
            if peek == "," { advance() } else { break }
        }
        guard peek == "}" else {
            throw fault("',' or '}' is expected in the object opened at line \(start.line), not \(found)")
        }
        advance()
        return members
    }

    private mutating func key(in start: SourceLocation) throws(ConfigurationError) -> String {
        if peek == "\"" || peek == "'" { return try string() }
        let word = identifier()
        guard !word.isEmpty else {
            throw fault("a key or '}' is expected in the object opened at line \(start.line), not \(found)")
        }
        return word
    }

    private mutating func elements(depth: Int) throws(ConfigurationError) -> [ConfigurationValue] {
        let start = location
        var elements: [ConfigurationValue] = []
        advance()
        while true {
            try skipSpace()
            if peek == "]" { break }
            elements.append(try value(depth: depth + 1))
            try skipSpace()
            if peek == "," { advance() } else { break }
        }
        guard peek == "]" else {
            throw fault("',' or ']' is expected in the list opened at line \(start.line), not \(found)")
        }
        advance()
        return elements
    }
}
