import Goridge
import NIOCore

extension EventContext {
    /// A body larger than this many bytes is written separately instead of being copied after its context.
    private static let largeBody = 32 * 1024

    /// Length of an event's frame, in bytes.
    func frameLength(_ kind: EventKind, body: ByteBuffer) -> Int {
        FrameHeader.fixedLength + 4 + self.length(kind) + body.readableBytes
    }

    /// Appends the frame of an event: header, the context's length as the one option, the context, the body.
    ///
    /// Context and body must be less than 4 GiB together.
    ///
    /// - Parameter body: The packet of a ``EventKind/data`` event, else empty.
    /// - Returns: The body if it is large: it was not appended and must be written next.
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
