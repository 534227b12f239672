import Goridge
import NIOCore

extension ByteBuffer {
    /// A body that is larger, in bytes, is written on its own instead of being copied behind its context.
    private static let largeBody = 32 * 1024

    /// Bytes of an event's frame but for the prefix of its context and its body, at the most.
    static let mostOfEventFrame = 32

    /// Appends the frame of an event: header, the context's length as the one option, the context, the body.
    ///
    /// Context and body together are less than 4 GiB.
    ///
    /// - Parameters:
    ///   - contextPrefix: The context's JSON up to the event's name, see ``EventContext``.
    ///   - body: The packet of a ``EventKind/data`` event, else empty.
    /// - Returns: The body, when it is large: then it is not part of what was appended and is to be written next.
    mutating func writeEventFrame(_ kind: EventKind, contextPrefix: [UInt8], body: ByteBuffer) -> ByteBuffer? {
        let tail = kind.contextTail
        let contextLength = contextPrefix.count + tail.utf8CodeUnitCount
        let isLarge = body.readableBytes > Self.largeBody
        let payloadLength = contextLength + body.readableBytes
        self.reserveCapacity(
            minimumWritableBytes: FrameHeader.fixedLength + 4 + contextLength + (isLarge ? 0 : body.readableBytes)
        )
        self.writeFrameHeader(
            FrameHeader(flags: [], optionCount: 1, payloadLength: UInt32(truncatingIfNeeded: payloadLength))
        )
        self.writeInteger(UInt32(truncatingIfNeeded: contextLength), endianness: .little)
        self.writeBytes(contextPrefix)
        self.writeStaticString(tail)
        guard !isLarge else {
            return body
        }
        self.writeImmutableBuffer(body)
        return nil
    }
}

extension EventKind {
    /// What follows the prefix of a context.
    fileprivate var contextTail: StaticString {
        switch self {
        case .connected: "CONNECTED\"}"
        case .data: "DATA\"}"
        case .close: "CLOSE\"}"
        }
    }
}
