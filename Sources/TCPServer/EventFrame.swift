import Goridge
import NIOCore

extension EventContext {
    /// A body larger than this many bytes is written separately instead of being copied after its context.
    private static let largeBody = 32 * 1024

    /// The most bytes of an event's frame.
    ///
    /// - Parameter mayMove: Whether it may tell of a move.
    func frameLength(_ kind: EventKind, body: ByteBuffer, mayMove: Bool = false) -> Int {
        FrameHeader.fixedLength + 4 + (mayMove ? self.movedLength(kind) : self.length(kind)) + body.readableBytes
    }

    /// Appends the frame of an event: header, the context's length as the one option, the context, the body.
    ///
    /// Context and body must be less than 4 GiB together.
    ///
    /// - Parameters:
    ///   - body: The packet of a ``EventKind/data`` event, else empty.
    ///   - hasMoved: Whether another worker has had the connection's last event, and should have had this one.
    /// - Returns: The body if it is large: it was not appended and must be written next.
    func writeFrame(
        _ kind: EventKind,
        body: ByteBuffer,
        hasMoved: Bool = false,
        into frame: inout ByteBuffer
    ) -> ByteBuffer? {
        let contextLength = hasMoved ? self.movedLength(kind) : self.length(kind)
        let isLarge = body.readableBytes > Self.largeBody
        let header = FrameHeader(
            optionCount: 1,
            payloadLength: UInt32(truncatingIfNeeded: contextLength + body.readableBytes)
        )
        let length = header.length + contextLength + (isLarge ? 0 : body.readableBytes)
        frame.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { pointer in
            header.write(to: pointer)
            pointer.storeBytes(
                of: UInt32(truncatingIfNeeded: contextLength).littleEndian,
                toByteOffset: FrameHeader.fixedLength,
                as: UInt32.self
            )
            var rest = UnsafeMutableRawBufferPointer(rebasing: pointer[header.length..<length])
            if hasMoved {
                self.writeMoved(kind, to: &rest)
            } else {
                self.write(kind, to: &rest)
            }
            if !isLarge {
                body.withUnsafeReadableBytes { rest.copyMemory(from: $0) }
            }
            return length
        }
        return isLarge ? body : nil
    }
}
