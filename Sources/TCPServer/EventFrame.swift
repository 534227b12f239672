import Goridge
import NIOCore

extension EventContext {
    /// A body that is larger, in bytes, is written on its own instead of being copied behind its context.
    private static let largeBody = 32 * 1024

    /// Bytes of an event's frame.
    func frameLength(_ kind: EventKind, body: ByteBuffer) -> Int {
        FrameHeader.fixedLength + 4 + self.length(kind) + body.readableBytes
    }

    /// Appends the frame of an event: header, the context's length as the one option, the context, the body.
    ///
    /// Context and body together are less than 4 GiB.
    ///
    /// - Parameter body: The packet of a ``EventKind/data`` event, else empty.
    /// - Returns: The body, when it is large: then it is not part of what was appended and is to be written next.
    func writeFrame(_ kind: EventKind, body: ByteBuffer, into frame: inout ByteBuffer) -> ByteBuffer? {
        let contextLength = self.length(kind)
        let isLarge = body.readableBytes > Self.largeBody
        let payloadLength = contextLength + body.readableBytes
        frame.reserveCapacity(
            minimumWritableBytes: FrameHeader.fixedLength + 4 + contextLength + (isLarge ? 0 : body.readableBytes)
        )
        frame.writeFrameHeader(
            FrameHeader(flags: [], optionCount: 1, payloadLength: UInt32(truncatingIfNeeded: payloadLength))
        )
        frame.writeInteger(UInt32(truncatingIfNeeded: contextLength), endianness: .little)
        self.write(kind, into: &frame)
        guard !isLarge else {
            return body
        }
        frame.writeImmutableBuffer(body)
        return nil
    }
}
