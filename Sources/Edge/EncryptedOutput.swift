import NIOCore

/// Long answers of an encrypted connection, which reach the library in slices.
///
/// The library encrypts all that it is given at once, and keeps memory for the longest write until the connection ends.
/// Confined to the event loop.
final class EncryptedOutput {
    /// In bytes. With what encryption adds it exceeds ``highWaterMark``: so the session learns of each slice that the
    /// system does not take at once.
    static let slice = 32 * 1024
    static let highWaterMark = 32 * 1024
    /// Slices in one turn of the event loop: the others wait, as a reader may be as fast as the writer.
    static let mostAtOnce = 16

    private var writes = CircularBuffer<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)>(initialCapacity: 1)
    /// Bytes that the library has not been given.
    private(set) var bytes = 0

    var isEmpty: Bool {
        self.writes.isEmpty
    }

    func append(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        self.writes.append((bytes, promise))
        self.bytes += bytes.readableBytes
    }

    /// The next slice, and the promise of the write that it ends.
    func next() -> (bytes: ByteBuffer, promise: EventLoopPromise<Void>?)? {
        guard var first = self.writes.first else {
            return nil
        }
        guard first.bytes.readableBytes > Self.slice, let slice = first.bytes.readSlice(length: Self.slice) else {
            self.bytes -= first.bytes.readableBytes
            return self.writes.removeFirst()
        }
        self.bytes -= Self.slice
        self.writes[self.writes.startIndex].bytes = first.bytes
        return (slice, nil)
    }

    /// The channel is closed.
    func fail() {
        while let write = self.writes.popFirst() {
            write.promise?.fail(ChannelError.ioOnClosedChannel)
        }
        self.bytes = 0
    }
}
