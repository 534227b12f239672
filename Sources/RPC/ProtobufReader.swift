import NIOCore

/// The number of a field and the form of its value on the wire.
package struct ProtobufTag: Sendable, Hashable {
    package enum WireType: UInt8, Sendable {
        case varint = 0
        case fixed64 = 1
        /// A length and that many bytes: bytes, a string, a message, packed numbers.
        case bytes = 2
        case groupStart = 3
        case groupEnd = 4
        case fixed32 = 5
    }

    package var number: UInt32
    package var type: WireType

    package init(_ number: UInt32, _ type: WireType) {
        self.number = number
        self.type = type
    }
}

/// Bytes that are not a protobuf message, in the words of Go's decoder.
package enum ProtobufError: Error, Sendable, Hashable, CustomStringConvertible {
    case malformed
    case textIsNotUTF8

    package var description: String {
        switch self {
        case .malformed: "proto: cannot parse invalid wire-format data"
        case .textIsNotUTF8: "proto: a string field contains invalid UTF-8"
        }
    }
}

/// Reads the fields of one protobuf message in their order.
///
///     while let tag = try reader.nextTag() {
///         switch (tag.number, tag.type) {
///         case (1, .bytes): storage = try reader.text()
///         default: try reader.skip(tag)
///         }
///     }
///
/// As in Go, a known number in an unexpected form is an unknown field, and the last value of a field that is not repeated
/// counts. Nothing is copied but Swift strings.
package struct ProtobufReader {
    /// Groups within groups that are skipped; each takes a level of the stack.
    private static let groupLimit = 64

    private var rest: ByteBuffer

    package init(_ message: ByteBuffer) {
        self.rest = message
    }

    /// - Returns: `nil` at the message's end.
    package mutating func nextTag() throws(ProtobufError) -> ProtobufTag? {
        guard self.rest.readableBytes > 0 else { return nil }
        let bits = try self.varint()
        let number = bits >> 3
        guard let type = ProtobufTag.WireType(rawValue: UInt8(bits & 7)), (1...0x1FFF_FFFF).contains(number) else {
            throw .malformed
        }
        return ProtobufTag(UInt32(number), type)
    }

    /// The value of a ``ProtobufTag/WireType/varint`` field; an `int64` is `Int64(bitPattern:)` of it.
    package mutating func varint() throws(ProtobufError) -> UInt64 {
        guard let first = self.rest.readInteger(as: UInt8.self) else { throw .malformed }
        // Most are small.
        guard first >= 0x80 else { return UInt64(first) }
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while shift < 64 {
            guard let byte = self.rest.readInteger(as: UInt8.self) else { throw .malformed }
            // Of the tenth byte one bit is left.
            guard shift < 63 || byte <= 1 else { throw .malformed }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .malformed
    }

    /// The value of a ``ProtobufTag/WireType/bytes`` field; it shares memory with the message.
    package mutating func bytes() throws(ProtobufError) -> ByteBuffer {
        let length = try self.varint()
        guard length <= UInt64(self.rest.readableBytes), let bytes = self.rest.readSlice(length: Int(length)) else {
            throw .malformed
        }
        return bytes
    }

    /// The bytes of a string field, checked to be UTF-8.
    package mutating func utf8() throws(ProtobufError) -> ByteBuffer {
        let bytes = try self.bytes()
        guard bytes.isUTF8 else { throw .textIsNotUTF8 }
        return bytes
    }

    /// The value of a string field.
    package mutating func text() throws(ProtobufError) -> String {
        let bytes = try self.bytes()
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else { throw .textIsNotUTF8 }
        return text
    }

    /// Passes over the value of a field.
    package mutating func skip(_ tag: ProtobufTag) throws(ProtobufError) {
        try self.skip(tag, depth: 0)
    }

    private mutating func skip(_ tag: ProtobufTag, depth: Int) throws(ProtobufError) {
        switch tag.type {
        case .varint: _ = try self.varint()
        case .bytes: _ = try self.bytes()
        case .fixed64: guard self.rest.readInteger(as: UInt64.self) != nil else { throw .malformed }
        case .fixed32: guard self.rest.readInteger(as: UInt32.self) != nil else { throw .malformed }
        case .groupEnd: throw .malformed
        case .groupStart:
            guard depth < Self.groupLimit else { throw .malformed }
            while let inner = try self.nextTag() {
                if inner.type == .groupEnd {
                    guard inner.number == tag.number else { throw .malformed }
                    return
                }
                try self.skip(inner, depth: depth + 1)
            }
            throw .malformed
        }
    }
}

extension ByteBuffer {
    /// Whether the readable bytes are text. Nothing is allocated for ASCII.
    fileprivate var isUTF8: Bool {
        self.withUnsafeReadableBytes { bytes in
            guard let other = bytes.firstIndex(where: { $0 >= 0x80 }) else { return true }
            return String(validating: bytes[other...], as: UTF8.self) != nil
        }
    }
}
