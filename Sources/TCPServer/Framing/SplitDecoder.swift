/// Each delimiter ends a packet.
struct SplitDecoder {
    /// How far the bytes have been searched.
    private var progress = Delimiter.Progress()

    /// - Parameter bytes: All bytes since the last packet, at least one.
    mutating func next(in bytes: UnsafeRawBufferPointer, _ delimiter: Delimiter, limit: Int) -> PacketBoundary {
        guard let end = delimiter.firstEnd(in: bytes, &self.progress, limit: bytes.count) else {
            return bytes.count > limit ? .tooLarge : .incomplete
        }
        guard end <= limit else {
            return .tooLarge
        }
        self = SplitDecoder()
        return .packet(end)
    }
}
