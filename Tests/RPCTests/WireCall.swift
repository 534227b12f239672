import Goridge
import NIOCore
import RPC

/// Frames as bytes, written without the code that is tested.
enum WireCall {
    /// The bytes of a text in hexadecimal; parts in quotes are text themselves.
    static func bytes(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, part) in text.split(separator: "'", omittingEmptySubsequences: false).enumerated() {
            guard index % 2 == 0 else {
                bytes += Array(part.utf8)
                continue
            }
            let digits = part.compactMap(\.hexDigitValue)
            for index in stride(from: 0, to: digits.count - 1, by: 2) {
                bytes.append(UInt8(digits[index] * 16 + digits[index + 1]))
            }
        }
        return bytes
    }
}
