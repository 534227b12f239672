import Logging
import NIOCore
import Text

/// What the log tells of bytes that are no packet.
struct PacketEvidence: Hashable {
    /// The length that the packet says it has, if that was read.
    var length: UInt64?
    /// The number of bytes that were there.
    var received: Int
    /// The first bytes, 16 at most.
    var first: [UInt8]

    init(of bytes: ByteBuffer, length: UInt64? = nil) {
        self.length = length
        self.received = bytes.readableBytes
        self.first = Array(bytes.readableBytesView.prefix(16))
    }

    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "first_bytes": "\(self.first.spacedHexadecimal)", "received": "\(self.received)",
        ]
        if let length {
            metadata["length"] = "\(length)"
        }
        return metadata
    }
}
