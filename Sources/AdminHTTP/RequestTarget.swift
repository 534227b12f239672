/// The path of a request and the plugins that its query names.
///
/// Accepts any input: parts that cannot be decoded stay unchanged.
struct RequestTarget: Hashable {
    /// Without the query.
    var path: String
    /// Every `plugin=` of the query.
    var plugins: [String]

    init(_ target: String) {
        let withoutFragment = target.prefix { $0 != "#" }
        let parts = withoutFragment.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.path = String(parts.first ?? "")
        self.plugins = []
        for parameter in parts.dropFirst().first?.split(separator: "&") ?? [] {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2, pair[0] == "plugin" {
                self.plugins.append(Self.decoded(pair[1]))
            }
        }
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let high = Character(UnicodeScalar(rest[rest.startIndex])).hexDigitValue,
                let low = Character(UnicodeScalar(rest[rest.index(after: rest.startIndex)])).hexDigitValue
            {
                rest = rest.dropFirst(2)
                bytes.append(UInt8(high * 16 + low))
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
