import Addresses
import NIOCore

/// Version 1, one line: `PROXY TCP4 192.0.2.1 192.0.2.2 51234 25`.
extension ProxyHeader {
    /// With its CRLF.
    private static let longestLine = 107

    static func parseText(_ view: ByteBufferView) throws(EdgeFailure) -> ProxyHeader? {
        let start = view.prefix(self.longestLine)
        let end = start.firstIndex { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") } ?? start.endIndex
        let rest = start[end...].prefix(2)
        guard "\r\n".utf8.starts(with: rest) else {
            throw self.malformed("its line does not end with CRLF")
        }
        guard rest.count == 2 else {
            guard start.count < self.longestLine else {
                throw self.malformed("no CRLF ends its first \(self.longestLine) bytes")
            }
            return nil
        }
        let words = start[..<end].split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        var header = ProxyHeader(length: end - view.startIndex + 2)
        let family = words.count > 1 ? String(decoding: words[1], as: UTF8.self) : ""
        switch family {
        case "UNKNOWN":
            break
        case "TCP4", "TCP6":
            guard words.count == 6, let client = self.address(words[2], family), self.address(words[3], family) != nil,
                let port = self.port(words[4]), self.port(words[5]) != nil
            else {
                throw self.malformed("its line does not have two addresses of \(family) and two ports")
            }
            header.client = Endpoint(address: client, port: port)
        default:
            throw self.malformed("its family is not TCP4, TCP6 or UNKNOWN")
        }
        return header
    }

    private static func address(_ word: ByteBufferView.SubSequence, _ family: String) -> IPAddress? {
        guard word.contains(UInt8(ascii: ":")) == (family == "TCP6") else {
            return nil
        }
        return IPAddress(String(decoding: word, as: UTF8.self))
    }

    private static func port(_ word: ByteBufferView.SubSequence) -> UInt16? {
        guard (1...5).contains(word.count), word.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            word.count == 1 || word.first != UInt8(ascii: "0")
        else {
            return nil
        }
        return UInt16(String(decoding: word, as: UTF8.self))
    }
}
