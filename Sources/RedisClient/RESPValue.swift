import NIOCore

/// A reply of a server. What only RESP3 has is given as RESP2 has it, so that callers need not know which of the two is
/// spoken: a map is the list of its keys and values in turn, a set a list, a boolean 1 or 0, any other number a text.
package enum RESPValue: Sendable, Hashable {
    case null
    case text(String)
    /// The server refuses the command: a code in capitals, then words.
    case error(String)
    case integer(Int64)
    case bulk(ByteBuffer)
    case array([RESPValue])
    /// Sent without being asked for; RESP3 only.
    case push([RESPValue])

    /// The characters of a text or of bytes.
    package var string: String? {
        switch self {
        case .text(let text): text
        case .bulk(let bytes): String(buffer: bytes)
        case .null, .error, .integer, .array, .push: nil
        }
    }

    package var number: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    package var list: [RESPValue]? {
        guard case .array(let list) = self else { return nil }
        return list
    }
}

/// The server breaks the protocol; nothing that follows can be read.
package struct RESPFault: Error, Sendable, Hashable {
    package var reason: String
}
