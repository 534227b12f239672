import Testing
import YAML

@Suite struct YAMLResolutionTests {
    @Test(arguments: ["", "~", "null", "Null", "NULL"])
    func nulls(_ text: String) {
        #expect(YAMLScalar(text: text, kind: .implicit).resolved == .null)
        #expect(YAMLScalar(text: text, kind: .text).resolved == .text(text))
    }

    @Test(arguments: [
        ("true", true), ("True", true), ("TRUE", true), ("false", false), ("False", false), ("FALSE", false),
    ])
    func booleans(text: String, flag: Bool) {
        #expect(YAMLScalar(text: text, kind: .implicit).resolved == .bool(flag))
    }

    @Test(arguments: [
        ("0", 0), ("12", 12), ("-12", -12), ("+12", 12), ("0x1F", 31), ("-0x1f", -31), ("0o17", 15), ("017", 15),
        ("0b101", 5), ("1_000", 1000), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
    ])
    func integers(text: String, number: Int) {
        #expect(YAMLScalar(text: text, kind: .implicit).resolved == .integer(number))
    }

    @Test(arguments: [
        ("1.5", 1.5), ("-.5", -0.5), ("1.", 1), ("1e3", 1000), ("1.5E-1", 0.15), (".inf", Double.infinity),
        ("-.Inf", -Double.infinity), ("9223372036854775808", 9_223_372_036_854_775_808), ("089", 89),
    ])
    func floats(text: String, number: Double) {
        #expect(YAMLScalar(text: text, kind: .implicit).resolved == .float(number))
    }

    @Test func notANumber() {
        guard case .float(let number) = YAMLScalar(text: ".nan", kind: .implicit).resolved else {
            Issue.record("no float")
            return
        }
        #expect(number.isNaN)
    }

    @Test(arguments: [
        "yes", "no", "on", "off", "y", "N", "tRue", "nULL", "1h", "60s", "127.0.0.1", ":7777", "1:30", "2001-01-01",
        "+",
        "-", ".", "..", "0x", "0xg", "0o8", "0b2", "--1", "+-1", "0x-1", "1e", "1e+", "e1", "inf", "nan", "1.2.3", "_1",
        "\u{0661}",
    ])
    func texts(_ text: String) {
        #expect(YAMLScalar(text: text, kind: .implicit).resolved == .text(text))
    }
}
