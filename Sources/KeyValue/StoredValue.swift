import NIOCore

/// The bytes of a value as the driver has them, to be copied once: into the reply.
package struct StoredValue: Sendable {
    private enum Source: Sendable {
        case buffer(ByteBuffer)
        case record(MemoryRecord)
    }

    private let source: Source

    /// - Parameter buffer: The value is its readable bytes.
    package init(_ buffer: ByteBuffer) {
        self.source = .buffer(buffer)
    }

    init(_ record: MemoryRecord) {
        self.source = .record(record)
    }

    package var count: Int {
        switch self.source {
        case .buffer(let buffer): buffer.readableBytes
        case .record(let record): record.valueCount
        }
    }

    package func write(to buffer: inout ByteBuffer) {
        switch self.source {
        case .buffer(let source): buffer.writeImmutableBuffer(source)
        case .record(let record): _ = record.withValue { buffer.writeBytes($0) }
        }
    }
}
