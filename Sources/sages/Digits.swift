#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Numbers as people read them.
enum Digits {
    /// Three significant digits: 0.0123, 12.3, 1.23e+06; thousands whole: 1398.
    static func three(_ value: Double) -> String {
        text(value, (999.5..<1e5).contains(abs(value)) ? "%.0f" : "%.3g")
    }

    /// One digit behind the point.
    static func tenth(_ value: Double) -> String { text(value, "%.1f") }

    private static func text(_ value: Double, _ format: String) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let length = withVaList([value]) { vsnprintf(&buffer, buffer.count, format, $0) }
        return String(decoding: buffer.prefix(Int(max(0, length))).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
