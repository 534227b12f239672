import Glibc

/// Treats everything that was read as one packet once it ends with a delimiter.
struct MergeDecoder {
    /// How far the bytes have been searched.
    private var progress = Delimiter.Progress()
    /// The end of the last packet that was found; 0 if there is none.
    private var lastEnd = 0

    /// A delimiter of up to this many bytes is compared with the end of the input at each read. A longer one is only
    /// searched for: a client that sends byte by byte would cause a full comparison per byte.
    private static let shortDelimiter = 64

    /// - Parameter bytes: All bytes since the last packet, at least one.
    mutating func next(in bytes: UnsafeRawBufferPointer, _ delimiter: some Terminator, limit: Int) -> PacketBoundary {
        // Most input consists of whole packets: only its end needs to be examined.
        if bytes.count <= limit, delimiter.longest <= Self.shortDelimiter, delimiter.ends(bytes) {
            self = MergeDecoder()
            return .packet(bytes.count)
        }
        let end = delimiter.lastEnd(in: bytes, &self.progress, limit: min(bytes.count, limit))
        self.lastEnd = end ?? self.lastEnd
        guard bytes.count > limit else {
            guard self.lastEnd == bytes.count else {
                return .incomplete
            }
            self = MergeDecoder()
            return .packet(bytes.count)
        }
        guard self.lastEnd > 0 else {
            return .tooLarge
        }
        // Several packets may have gathered: return as many as fit into the limit, so that no client is cut off for
        // being fast. No delimiter ends between them and the limit, so the search continues from there.
        let length = self.lastEnd
        delimiter.forget(before: length, &self.progress)
        self.lastEnd = 0
        return .packet(length)
    }
}
