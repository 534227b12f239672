import NIOCore

/// Bytes that are not, and cannot become, a frame.
package struct FrameError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason why the bytes were rejected.
    package enum Reason: Sendable, Hashable {
        /// The high four bits of byte 0 are not 1: nearly always text that a script printed to STDOUT.
        case version(UInt8)
        /// A header length, in 32-bit words, outside 3…13.
        case headerLength(Int)
        /// Byte 1 has a bit without a meaning.
        case flags(UInt8)
        /// The CRC of bytes 0–5 is not the one that bytes 6–9 carry.
        case checksum(carried: UInt32, expected: UInt32)
        /// Byte 11 or the unused bits of byte 10 are set.
        case reservedBits
        /// A payload longer than the decoder's limit, in bytes.
        case payloadLength(UInt32, limit: Int)
    }

    package var reason: Reason
    /// All undecoded bytes, from the first byte of the rejected header on.
    package var bytes: ByteBuffer

    package init(reason: Reason, bytes: ByteBuffer) {
        self.reason = reason
        self.bytes = bytes
    }

    package var description: String {
        switch self.reason {
        case .version(let version):
            "not a Goridge frame: version \(version) instead of \(FrameHeader.version)"
        case .headerLength(let words):
            "not a Goridge frame: a header of \(words) words instead of 3 to \(3 + FrameHeader.maximumOptionCount)"
        case .flags(let flags):
            "not a Goridge frame: unknown flags \(flags)"
        case .checksum(let carried, let expected):
            "not a Goridge frame: CRC \(carried) instead of \(expected)"
        case .reservedBits:
            "not a Goridge frame: reserved bits are set"
        case .payloadLength(let length, let limit):
            "a frame's payload of \(length) bytes is over the limit of \(limit)"
        }
    }
}
