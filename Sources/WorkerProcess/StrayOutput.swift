import NIOCore

/// A worker's standard output that is not a frame: usually a message that a script printed by mistake.
final class StrayOutput {
    /// The most bytes that are kept for the log.
    static let limit = 16 * 1024

    let reason: String
    var isFinished = false
    private var text = ByteBuffer()

    init(reason: String) {
        self.reason = reason
    }

    func append(_ bytes: ByteBuffer) {
        var bytes = bytes
        let room = min(Self.limit - self.text.readableBytes, bytes.readableBytes)
        if room > 0, let slice = bytes.readSlice(length: room) {
            self.text.writeImmutableBuffer(slice)
        }
    }

    /// RoadRunner's words, and PHP's way of saying that a script is missing explained (docs/protocol.md). The text is as the
    /// worker wrote it: whoever shows it knows what must be escaped there.
    var message: String {
        var text = String(buffer: self.text)
        while text.last?.isWhitespace == true {
            text.removeLast()
        }
        while text.first?.isWhitespace == true {
            text.removeFirst()
        }
        if text.hasPrefix("Could not open input file") {
            return "\(text): PHP cannot find the script that server.command names"
        }
        return "validation failed on the message sent to STDOUT, "
            + "see: https://docs.roadrunner.dev/error-codes/stdout-crc, invalid message: \(text)"
    }
}
