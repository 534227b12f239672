import NIOCore

/// The fixed part of a Goridge v3 frame: twelve bytes, all integers little-endian.
///
/// | bytes | content |
/// | --- | --- |
/// | 0 | version 1 in the high four bits, header length in 32-bit words in the low four |
/// | 1 | ``FrameFlags`` |
/// | 2–5 | payload length |
/// | 6–9 | CRC-32 of bytes 0–5 |
/// | 10 | ``StreamFlags`` |
/// | 11 | 0 |
package struct FrameHeader: Sendable, Hashable {
    /// Bytes of a header without options.
    package static let fixedLength = 12
    /// The protocol's version, in the high four bits of byte 0.
    package static let version: UInt8 = 1
    /// Options that a frame may have; each is four bytes.
    package static let maximumOptionCount = 10

    package var flags: FrameFlags
    package var streamFlags: StreamFlags
    /// Four-byte options between the fixed part and the payload, 0 to ``maximumOptionCount``.
    package var optionCount: Int
    /// Bytes of payload after the options.
    package var payloadLength: UInt32

    package init(flags: FrameFlags = [], streamFlags: StreamFlags = [], optionCount: Int, payloadLength: UInt32) {
        precondition((0...Self.maximumOptionCount).contains(optionCount))
        self.flags = flags
        self.streamFlags = streamFlags
        self.optionCount = optionCount
        self.payloadLength = payloadLength
    }

    /// Bytes of the whole header, options included.
    package var length: Int {
        Self.fixedLength + 4 * self.optionCount
    }
}

extension FrameHeader {
    /// The state of a header of which some bytes have been received.
    enum Prefix {
        case incomplete
        case complete(FrameHeader)
        case malformed(FrameError.Reason)
    }

    /// Reads a header, and rejects an invalid one as early as possible: stray text shows at its first byte.
    static func parse(_ bytes: ByteBufferView) -> Prefix {
        bytes.withUnsafeBytes { self.parse($0) }
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> Prefix {
        guard let first = bytes.first else {
            return .incomplete
        }
        guard first &>> 4 == self.version else {
            return .malformed(.version(first &>> 4))
        }
        let words = Int(first & 0x0F)
        guard words >= 3, words <= 3 + self.maximumOptionCount else {
            return .malformed(.headerLength(words))
        }
        guard bytes.count < 2 || FrameFlags.known.isSuperset(of: FrameFlags(rawValue: bytes[1])) else {
            return .malformed(.flags(bytes[1]))
        }
        guard bytes.count >= self.fixedLength else {
            return self.parseIncomplete(bytes, first)
        }
        let payloadLength = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        let carried = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt32.self))
        let expected = CRC32.checksum(version: first, flags: bytes[1], payloadLength: payloadLength)
        guard carried == expected else {
            return .malformed(.checksum(carried: carried, expected: expected))
        }
        guard bytes[11] == 0, StreamFlags.known.isSuperset(of: StreamFlags(rawValue: bytes[10])) else {
            return .malformed(.reservedBits)
        }
        return .complete(
            FrameHeader(
                flags: FrameFlags(rawValue: bytes[1]),
                streamFlags: StreamFlags(rawValue: bytes[10]),
                optionCount: words - 3,
                payloadLength: payloadLength
            )
        )
    }
}

extension FrameHeader {
    private static let checksumOffset = 6

    /// Rejects a wrong checksum by its first bytes, without waiting for the others.
    private static func parseIncomplete(_ bytes: UnsafeRawBufferPointer, _ first: UInt8) -> Prefix {
        guard bytes.count > self.checksumOffset else {
            return .incomplete
        }
        let payloadLength = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        let expected = CRC32.checksum(version: first, flags: bytes[1], payloadLength: payloadLength)
        var carried: UInt32 = 0
        var mask: UInt32 = 0
        for (index, byte) in bytes[self.checksumOffset...].prefix(4).enumerated() {
            carried |= UInt32(byte) << UInt32(8 * index)
            mask |= 0xFF << UInt32(8 * index)
        }
        return carried == expected & mask ? .incomplete : .malformed(.checksum(carried: carried, expected: expected))
    }
}

extension FrameHeader {
    /// Writes the fixed part.
    ///
    /// - Parameter pointer: At least ``fixedLength`` bytes.
    package func write(to pointer: UnsafeMutableRawBufferPointer) {
        let first = Self.version &<< 4 | UInt8(truncatingIfNeeded: 3 &+ self.optionCount)
        let crc = CRC32.checksum(version: first, flags: self.flags.rawValue, payloadLength: self.payloadLength)
        pointer[0] = first
        pointer[1] = self.flags.rawValue
        pointer.storeBytes(of: self.payloadLength.littleEndian, toByteOffset: 2, as: UInt32.self)
        pointer.storeBytes(of: crc.littleEndian, toByteOffset: 6, as: UInt32.self)
        pointer[10] = self.streamFlags.rawValue
        pointer[11] = 0
    }
}

extension ByteBuffer {
    /// Appends the twelve bytes of a header; its options and payload are the caller's to append.
    package mutating func writeFrameHeader(_ header: FrameHeader) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: FrameHeader.fixedLength) { pointer in
            header.write(to: pointer)
            return FrameHeader.fixedLength
        }
    }
}
