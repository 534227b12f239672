/// The marks around a packet that is not only ended by one delimiter.
package final class PacketMarks: Sendable {
    package enum End: Sendable {
        case one(Delimiter)
        case any(DelimiterSet)
    }

    let end: End
    /// What a packet begins with. Bytes before it belong to no packet.
    let start: Delimiter?
    /// The number of bytes behind the delimiter that belong to the packet.
    let trailer: Int
    /// The position from which a packet without `start` is searched: that many bytes have been examined before.
    let searchFrom: Int
    /// Whether a packet begins and ends with the same bytes. Two of them in a row are then the end of one packet and the
    /// beginning of the next, never an empty packet: a stream that is joined in the middle would stay out of step.
    let isSymmetric: Bool

    /// - Parameter start: At least one byte.
    package init(_ end: End, start: [UInt8]? = nil, trailer: Int = 0, searchFrom: Int = 0) {
        self.end = end
        self.start = start.map { Delimiter($0) }
        self.trailer = trailer
        self.searchFrom = searchFrom
        self.isSymmetric = if case .one(let delimiter) = end { delimiter.bytes == start } else { false }
    }
}

/// Each delimiter ends a packet; what comes before the start of one is skipped.
struct MarkedDecoder {
    private enum Stage {
        /// The start of the packet is looked for.
        case start
        /// The start is at the front; the delimiter is looked for.
        case body
        /// The packet has this many bytes.
        case trailer(Int)
    }

    private var stage = Stage.start
    /// Of the search for the start or the delimiter.
    private var progress = Delimiter.Progress()
    /// The index of the delimiter that has ended the packet, if there are several.
    private var delimiter = 0

    /// Whether no packet has begun.
    func isBetweenPackets(_ marks: PacketMarks) -> Bool {
        if case .start = self.stage { marks.start != nil } else { false }
    }

    /// What may follow the packet and make its delimiter a longer one.
    func tails(_ marks: PacketMarks) -> [[UInt8]] {
        guard case .any(let delimiters) = marks.end, marks.trailer == 0 else {
            return []
        }
        return delimiters.tails(of: self.delimiter)
    }

    /// - Parameter bytes: All bytes since the last packet, at least one.
    mutating func next(in bytes: UnsafeRawBufferPointer, _ marks: PacketMarks, limit: Int) -> PacketBoundary {
        if case .start = self.stage, let skipped = self.begin(in: bytes, marks) {
            return skipped
        }
        if case .trailer(let length) = self.stage {
            return bytes.count >= length ? .packet(length) : .incomplete
        }
        guard var end = self.end(in: bytes, marks) else {
            return bytes.count > limit ? .tooLarge : .incomplete
        }
        if marks.isSymmetric, let start = marks.start, end == 2 * start.bytes.count {
            self.progress = Delimiter.Progress(position: start.bytes.count)
            return .skip(start.bytes.count)
        }
        end += marks.trailer
        guard end <= limit else {
            return .tooLarge
        }
        guard end <= bytes.count else {
            self.stage = .trailer(end)
            return .incomplete
        }
        return .packet(end)
    }

    /// Looks for the start of a packet.
    ///
    /// - Returns: `nil` once it is at the front.
    private mutating func begin(in bytes: UnsafeRawBufferPointer, _ marks: PacketMarks) -> PacketBoundary? {
        guard let start = marks.start else {
            self.stage = .body
            self.progress.position = marks.searchFrom
            return nil
        }
        guard let end = start.firstEnd(in: bytes, &self.progress, limit: bytes.count) else {
            let skipped = self.progress.position - self.progress.matched
            self.progress.position = self.progress.matched
            return skipped > 0 ? .skip(skipped) : .incomplete
        }
        self.stage = .body
        self.progress.position = start.bytes.count
        return end > start.bytes.count ? .skip(end - start.bytes.count) : nil
    }

    /// The end of the packet but for its trailer. The longest of the delimiters that begin where the first one begins
    /// counts, as far as it was read: waiting for the rest of a longer one could be in vain.
    private mutating func end(in bytes: UnsafeRawBufferPointer, _ marks: PacketMarks) -> Int? {
        switch marks.end {
        case .one(let delimiter):
            return delimiter.firstEnd(in: bytes, &self.progress, limit: bytes.count)
        case .any(let delimiters):
            guard let end = delimiters.firstEnd(in: bytes, &self.progress) else {
                return nil
            }
            let longest = delimiters.longest(end, in: bytes)
            self.delimiter = longest.delimiter
            return longest.position
        }
    }
}
