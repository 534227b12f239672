import KeyValue

/// The argument of a call with one item, in protobuf as clients write it: the fields in their order, keys in ASCII. It lives no
/// longer than the bytes of the call. Anything else is read by ``KeyValueArgument``.
struct SingleItem {
    let storage: UnsafeRawBufferPointer
    let key: UnsafeRawBufferPointer
    let value: UnsafeRawBufferPointer
    let timeout: UnsafeRawBufferPointer

    init?(_ message: UnsafeRawBufferPointer) {
        var fields = FieldReader(message)
        guard let storage = fields.next(0x0A), let item = fields.next(0x12), fields.isAtEnd else { return nil }
        fields = FieldReader(item)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        guard let key = fields.next(0x0A), let first = key.first, first > 0x20 else { return nil }
        self.value = fields.next(0x12) ?? none
        self.timeout = fields.next(0x1A) ?? none
        guard fields.isAtEnd, Self.isASCII(storage), Self.isASCII(key), Self.isASCII(self.timeout) else { return nil }
        self.storage = storage
        self.key = key
    }

    private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var all: UInt64 = 0
        var offset = 0
        while offset + 8 <= bytes.count {
            all |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < bytes.count {
            all |= UInt64(bytes[offset])
            offset += 1
        }
        return all & 0x8080_8080_8080_8080 == 0
    }
}

private struct FieldReader {
    private let bytes: UnsafeRawBufferPointer
    /// Beyond the end after a length that is too large.
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { self.position == self.bytes.count }

    /// The bytes of the next field, if it has that tag.
    mutating func next(_ tag: UInt8) -> UnsafeRawBufferPointer? {
        guard self.position < self.bytes.count, self.bytes[self.position] == tag else { return nil }
        self.position += 1
        var length = 0
        for shift in stride(from: 0, to: 28, by: 7) {
            guard self.position < self.bytes.count else { return self.fail() }
            let byte = self.bytes[self.position]
            self.position += 1
            length |= Int(byte & 0x7F) << shift
            guard byte >= 0x80 else {
                guard length <= self.bytes.count - self.position else { return self.fail() }
                defer { self.position += length }
                return UnsafeRawBufferPointer(rebasing: self.bytes[self.position..<self.position + length])
            }
        }
        return self.fail()
    }

    private mutating func fail() -> UnsafeRawBufferPointer? {
        self.position = .max
        return nil
    }
}
