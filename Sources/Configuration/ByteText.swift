/// Bytes that mostly are text: the value of a variable, which may hold anything but NUL.
public struct ByteText: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    public var bytes: [UInt8]

    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(_ text: String) {
        bytes = Array(text.utf8)
    }

    public init(stringLiteral text: String) {
        self.init(text)
    }

    public var isEmpty: Bool { bytes.isEmpty }

    /// `nil` when the bytes are not UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }

    /// The text for people: U+FFFD stands for what is not UTF-8.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
