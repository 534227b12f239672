import NIOCore

/// Cuts a stream of bytes into frames; a frame may come in any number of pieces, several may come in one read.
///
/// The decoder reserves no memory for a frame before its header is verified: until then it holds only received bytes.
/// Afterwards memory grows with the received bytes, so a header that announces a large payload costs little by itself.
/// After an error the stream is meaningless: the decoder throws the same error for ever.
package struct FrameDecoder: Sendable {
    /// The most bytes of payload that a frame may have by default: 1 GiB.
    package static let defaultPayloadLimit = 1 << 30
    /// The most that is reserved at once for an announced payload: 1 MiB.
    static let reservation = 1 << 20

    private let payloadLimit: Int
    private var pending = ByteBuffer()
    /// The verified header at the front of `pending`, so that it is read once however many pieces follow.
    private var header: FrameHeader?
    private var failure: FrameError?
    /// Whether every received byte was part of a decoded frame. Stored, as a getter would copy the decoder of a class.
    package private(set) var isEmpty = true

    /// - Parameter payloadLimit: The most bytes of payload that a frame may have, 0…1 GiB.
    package init(payloadLimit: Int = FrameDecoder.defaultPayloadLimit) {
        precondition((0...Self.defaultPayloadLimit).contains(payloadLimit))
        self.payloadLimit = payloadLimit
    }

    /// Received bytes that are not part of a decoded frame.
    package var undecoded: ByteBuffer {
        self.failure?.bytes ?? self.pending
    }

    /// The second option of the frame that ``next()`` returns next, if that has one.
    package var secondOption: UInt32? {
        self.pending.getInteger(at: self.pending.readerIndex + FrameHeader.fixedLength + 4, endianness: .little)
    }

    /// Adds received bytes.
    package mutating func append(_ bytes: ByteBuffer) {
        guard self.failure == nil else {
            return
        }
        if self.pending.readableBytes == 0 {
            self.pending = bytes
        } else {
            self.gather(bytes)
        }
        self.isEmpty = self.pending.readableBytes == 0
    }

    private mutating func gather(_ bytes: ByteBuffer) {
        if self.pending.readerIndex > self.pending.storageCapacity / 2 {
            self.pending.discardReadBytes()
        }
        if let header {
            let missing = header.length + Int(header.payloadLength) - self.pending.readableBytes
            self.pending.reserveCapacity(minimumWritableBytes: max(bytes.readableBytes, min(missing, Self.reservation)))
        }
        self.pending.writeImmutableBuffer(bytes)
    }

    /// The next whole frame, or `nil` when more bytes are needed.
    ///
    /// - Throws: ``FrameError`` as soon as no valid frame can follow.
    package mutating func next() throws(FrameError) -> Frame? {
        if let failure {
            throw failure
        }
        guard let header = try self.verifiedHeader() else {
            return nil
        }
        let payloadLength = Int(header.payloadLength)
        let total = header.length + payloadLength
        guard self.pending.readableBytes >= total else {
            return nil
        }
        self.header = nil
        let start = self.pending.readerIndex
        let firstOption =
            header.optionCount > 0
            ? self.pending.getInteger(at: start + FrameHeader.fixedLength, endianness: .little, as: UInt32.self) : nil
        let payload = self.pending.getSlice(at: start + header.length, length: payloadLength)
        guard let payload else {
            return nil
        }
        if self.pending.readableBytes == total {
            // Release the memory: the payload is now its only owner.
            self.pending = ByteBuffer()
            self.isEmpty = true
        } else {
            self.pending.moveReaderIndex(forwardBy: total)
        }
        return Frame(
            flags: header.flags,
            streamFlags: header.streamFlags,
            optionCount: header.optionCount,
            firstOption: firstOption ?? 0,
            payload: payload
        )
    }

    private mutating func verifiedHeader() throws(FrameError) -> FrameHeader? {
        if let header {
            return header
        }
        switch FrameHeader.parse(self.pending.readableBytesView) {
        case .incomplete:
            return nil
        case .malformed(let reason):
            throw self.fail(reason)
        case .complete(let header):
            guard Int(header.payloadLength) <= self.payloadLimit else {
                throw self.fail(.payloadLength(header.payloadLength, limit: self.payloadLimit))
            }
            self.header = header
            return header
        }
    }

    private mutating func fail(_ reason: FrameError.Reason) -> FrameError {
        let error = FrameError(reason: reason, bytes: self.pending)
        self.failure = error
        self.pending = ByteBuffer()
        return error
    }
}
