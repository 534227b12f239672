import NIOCore

extension ByteBuffer {
    /// Appends a protobuf varint; an `int64` is written as `UInt64(bitPattern:)`.
    package mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            self.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.writeInteger(UInt8(rest))
    }

    package mutating func writeProtobufTag(_ number: UInt32, _ type: ProtobufTag.WireType) {
        self.writeVarint(UInt64(number) << 3 | UInt64(type.rawValue))
    }

    /// Appends a field of a number or a bool; 0 is left out, as proto3 wants it.
    package mutating func writeProtobuf(_ value: UInt64, field number: UInt32) {
        guard value != 0 else { return }
        self.writeProtobufTag(number, .varint)
        self.writeVarint(value)
    }

    /// Appends a field of bytes or text; an empty one is left out.
    package mutating func writeProtobuf(_ bytes: ByteBuffer, field number: UInt32) {
        guard bytes.readableBytes > 0 else { return }
        self.writeProtobufMessageHeader(length: bytes.readableBytes, field: number)
        self.writeImmutableBuffer(bytes)
    }

    package mutating func writeProtobuf(_ text: String, field number: UInt32) {
        guard !text.isEmpty else { return }
        self.writeProtobufMessageHeader(length: text.utf8.count, field: number)
        self.writeString(text)
    }

    /// Appends what comes before a field's message of that many bytes; add them up by ``protobufLength(ofBytes:field:)``.
    /// A message in a list is written even if it is empty.
    package mutating func writeProtobufMessageHeader(length: Int, field number: UInt32) {
        self.writeProtobufTag(number, .bytes)
        self.writeVarint(UInt64(length))
    }

    /// How many bytes ``writeProtobuf(_:field:)`` writes for bytes or text of a length.
    package static func protobufLength(ofBytes count: Int, field number: UInt32) -> Int {
        guard count > 0 else { return 0 }
        return self.varintLength(UInt64(number) << 3) + self.varintLength(UInt64(count)) + count
    }

    package static func varintLength(_ value: UInt64) -> Int {
        // Seven bits a byte, and a byte for 0.
        (70 - (value | 1).leadingZeroBitCount) / 7
    }
}
