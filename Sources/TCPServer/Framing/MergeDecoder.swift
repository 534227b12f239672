import Glibc

/// All that was read is one packet, once it ends with the delimiter.
struct MergeDecoder {
    /// How far the bytes were searched.
    private var progress = Delimiter.Progress()
    /// Where the last packet that was found ends, 0 without one.
    private var lastEnd = 0

    /// Delimiters of so many bytes are compared each time that something comes; longer ones are searched for only, as
    /// a client that sends byte by byte would have all of them compared for each.
    private static let shortDelimiter = 64

    /// - Parameter bytes: All that came since the last packet, at least one byte.
    mutating func next(in bytes: UnsafeRawBufferPointer, _ delimiter: Delimiter, limit: Int) -> PacketBoundary {
        // Mostly what came is whole packets: nothing of it needs a look but its end.
        if bytes.count <= limit, delimiter.bytes.count <= Self.shortDelimiter, delimiter.ends(bytes) {
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
        // Several packets may have gathered: as many as one may hold go, so that no client is cut off for being fast.
        // After them is no end before the limit, so that the search goes on from there.
        let length = self.lastEnd
        delimiter.forget(before: length, &self.progress)
        self.lastEnd = 0
        return .packet(length)
    }
}
