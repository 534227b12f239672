import Goridge
import NIOCore

extension ByteBuffer {
    /// Appends the frame of an event up to its body: header, the context's length as the one option, the context.
    ///
    /// The body follows on the wire, appended or written separately. Context and body together are less than 4 GiB.
    package mutating func writeFrameHead(of event: WorkerEvent) {
        let tail = event.kind.contextTail
        let contextLength = event.contextPrefix.count + tail.utf8CodeUnitCount
        let payloadLength = contextLength + event.body.readableBytes
        self.reserveCapacity(minimumWritableBytes: FrameHeader.fixedLength + 4 + contextLength)
        self.writeFrameHeader(
            FrameHeader(flags: [], optionCount: 1, payloadLength: UInt32(truncatingIfNeeded: payloadLength))
        )
        self.writeInteger(UInt32(truncatingIfNeeded: contextLength), endianness: .little)
        self.writeBytes(event.contextPrefix)
        self.writeStaticString(tail)
    }
}

extension EventKind {
    /// What follows ``WorkerEvent/contextPrefix``.
    fileprivate var contextTail: StaticString {
        switch self {
        case .connected: "CONNECTED\"}"
        case .data: "DATA\"}"
        case .close: "CLOSE\"}"
        }
    }
}
