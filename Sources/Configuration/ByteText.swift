/// Bytes that are usually text: the value of a variable, which may hold anything but NUL.
package struct ByteText: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    package var bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    package init(stringLiteral text: String) {
        self.init(text)
    }

    package var isEmpty: Bool { bytes.isEmpty }

    /// `nil` when the bytes are not UTF-8.
    package var text: String? { String(validating: bytes, as: UTF8.self) }

    /// The text for people: U+FFFD replaces bytes that are not UTF-8.
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}
