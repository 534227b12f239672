extension String {
    /// The text as a JSON string (RFC 8259) with its quotes, in one line.
    package var jsonQuoted: String {
        guard self.utf8.contains(where: { $0.needsEscapeInJSON }) else {
            return "\"\(self)\""
        }
        var text = Array("\"".utf8)
        for byte in self.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): text += "\\n".utf8
            case UInt8(ascii: "\r"): text += "\\r".utf8
            case UInt8(ascii: "\t"): text += "\\t".utf8
            case _ where byte.needsEscapeInJSON: text += "\\u00\(byte.hexadecimal)".utf8
            default: text.append(byte)
            }
        }
        return String(decoding: text + "\"".utf8, as: UTF8.self)
    }
}

extension UInt8 {
    /// RFC 8259 requires escapes for all of these but DEL, which terminals do not show.
    fileprivate var needsEscapeInJSON: Bool {
        self < 0x20 || self == UInt8(ascii: "\"") || self == UInt8(ascii: "\\") || self == 0x7F
    }
}
