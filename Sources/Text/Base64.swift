/// The base64 of RFC 4648, with padding.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let chunk = bytes[index..<min(index + 3, bytes.count)]
            var word = 0
            for offset in 0..<3 { word = word << 8 | (offset < chunk.count ? Int(chunk[index + offset]) : 0) }
            for position in 0..<4 {
                let isPadding = position > chunk.count
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[word >> (18 - 6 * position) & 0x3F])
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: `nil` if the text is not base64; white space in it is ignored.
    package static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var word = 0
        var digits = 0
        var padding = 0
        for byte in text.utf8 where ![0x20, 0x09, 0x0A, 0x0D].contains(byte) {
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let digit = self.value(byte) else { return nil }
            word = (word << 6 | digit) & 0xFF_FFFF
            digits += 1
            if digits % 4 == 0 {
                bytes += [UInt8(word >> 16 & 0xFF), UInt8(word >> 8 & 0xFF), UInt8(word & 0xFF)]
            }
        }
        guard padding <= 2, (digits + padding) % 4 == 0 else { return nil }
        switch digits % 4 {
        case 0: break
        case 2: bytes.append(UInt8(word >> 4 & 0xFF))
        case 3: bytes += [UInt8(word >> 10 & 0xFF), UInt8(word >> 2 & 0xFF)]
        default: return nil
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> Int? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
