import NIOCore

/// Cuts bytes into lines.
struct LineBuffer: Sendable {
    private let limit: Int
    private var buffer = ByteBuffer()

    /// - Parameter limit: The most bytes of a line; a longer one is cut.
    init(limit: Int) {
        self.limit = limit
    }

    mutating func append(_ bytes: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = bytes
        } else {
            if self.buffer.readerIndex > self.buffer.storageCapacity / 2 {
                self.buffer.discardReadBytes()
            }
            self.buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next line without its end, or as much of a longer one as a line may have.
    mutating func next() -> String? {
        if let length = self.buffer.readableBytesView.prefix(self.limit + 1).firstIndex(of: UInt8(ascii: "\n")) {
            let line = self.read(length - self.buffer.readerIndex)
            self.buffer.moveReaderIndex(forwardBy: 1)
            return line.hasSuffix("\r") ? String(line.dropLast()) : line
        }
        return self.buffer.readableBytes > self.limit ? self.read(self.limit) : nil
    }

    /// The bytes after the last line's end.
    mutating func rest() -> String? {
        self.buffer.readableBytes > 0 ? self.read(self.buffer.readableBytes) : nil
    }

    private mutating func read(_ length: Int) -> String {
        // Bytes that are not UTF-8 become replacement characters.
        self.buffer.readString(length: length) ?? ""
    }
}
