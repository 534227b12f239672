import Foundation
import TestSupport

/// Bytes to send, and to compare what comes back with.
enum Payload {
    /// The same bytes that the worker makes for `big`: none of them 251 or more.
    static func pattern(_ size: Int) -> Data {
        let round = Data(0...250)
        var data = Data(capacity: size + round.count)
        while data.count < size {
            data.append(round)
        }
        return data.prefix(size)
    }

    /// Bytes by chance, with CR LF at the end and nowhere else.
    static func random(_ size: Int) -> Data {
        var bytes = [UInt8](repeating: 0, count: size - 2)
        bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else {
                return
            }
            arc4random_buf(start, buffer.count)
            var position = 0
            while let found = memchr(start + position, 0x0D, buffer.count - position) {
                position = found - start + 1
                if position == buffer.count || buffer[position] == 0x0A {
                    buffer[position - 1] = UInt8(ascii: "-")
                }
            }
        }
        return Data(bytes) + Data("\r\n".utf8)
    }

    /// In hexadecimal, from a tool that is not under test.
    static func sha256(_ data: Data) throws -> String {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let file = directory.file("payload")
        try data.write(to: URL(filePath: file))
        return String(try Command.run(["/usr/bin/sha256sum", file]).output.prefix(64))
    }
}
