/// The rules that cut a stream of bytes into packets.
package struct PacketFraming: Sendable, Hashable {
    /// Determines where a packet ends. Each rule has its own decoder.
    package enum Rule: Sendable, Hashable {
        /// As in RoadRunner, everything that was read is one packet once it ends with the delimiter: ``MergeDecoder``.
        case merge(Delimiter)
        /// One packet for each delimiter. See ``SplitDecoder``.
        case split(Delimiter)
    }

    package var rule: Rule
    /// The maximum size of a packet in bytes, including its delimiter.
    package var maximumPacketSize: Int

    package init(_ rule: Rule, maximumPacketSize: Int) {
        self.rule = rule
        self.maximumPacketSize = maximumPacketSize
    }
}

/// The result of a decoder's search at the front of the gathered bytes.
enum PacketBoundary {
    /// More bytes are needed.
    case incomplete
    /// A packet of this many bytes, at least one; the decoder continues with the bytes after it.
    case packet(Int)
    /// The packet that has begun exceeds the maximum size.
    case tooLarge
}
