/// How a stream of bytes becomes packets.
package struct PacketFraming: Sendable, Hashable {
    /// Where a packet ends: each rule has a decoder of its own.
    package enum Rule: Sendable, Hashable {
        /// As RoadRunner does: all that was read, once it ends with the delimiter. See ``MergeDecoder``.
        case merge(Delimiter)
        /// One packet for each delimiter. See ``SplitDecoder``.
        case split(Delimiter)
    }

    package var rule: Rule
    /// The most bytes of a packet, its delimiter included.
    package var maximumPacketSize: Int

    package init(_ rule: Rule, maximumPacketSize: Int) {
        self.rule = rule
        self.maximumPacketSize = maximumPacketSize
    }
}

/// What a decoder finds at the front of the bytes that came.
enum PacketBoundary {
    /// More bytes are needed.
    case incomplete
    /// A packet of so many bytes, at least one; the decoder goes on with those behind it.
    case packet(Int)
    /// The packet that has begun has more bytes than a packet may have.
    case tooLarge
}
