import NIOCore

/// The bytes of a value as the driver has them, to be copied once: into the reply.
package struct StoredValue: Sendable {
    private enum Source: Sendable {
        case buffer(ByteBuffer)
    }

    private let source: Source

    /// - Parameter buffer: The value is its readable bytes.
    package init(_ buffer: ByteBuffer) {
        self.source = .buffer(buffer)
    }

    package var count: Int {
        switch self.source {
        case .buffer(let buffer): buffer.readableBytes
        }
    }

    package func write(to buffer: inout ByteBuffer) {
        switch self.source {
        case .buffer(let source): buffer.writeImmutableBuffer(source)
        }
    }
}
