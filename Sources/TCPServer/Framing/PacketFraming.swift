/// The rules that cut a stream of bytes into packets.
package struct PacketFraming: Sendable {
    /// Determines where a packet ends. A rule is a plain value or one reference: copies of it are cheap.
    package enum Rule: Sendable {
        /// As in RoadRunner, everything that was read is one packet once it ends with the delimiter: ``MergeDecoder``.
        case merge(Delimiter)
        /// The same with several delimiters.
        case mergeAny(DelimiterSet)
        /// One packet for each delimiter. See ``SplitDecoder``.
        case split(Delimiter)
        /// The same with a start, several delimiters, or bytes behind them. See ``MarkedDecoder``.
        case marked(PacketMarks)
        /// The packet says how long it is. See ``LengthDecoder``.
        case length(LengthField)
        /// Each packet has this many bytes, at least one.
        case fixed(Int)
        /// Whatever was read.
        case raw
        /// All that has come, once it is at least this many bytes. See ``PacketOrder``.
        case need(Int)
        /// The first bytes of a packet choose its rule.
        case starts(StartRules)
    }

    package var rule: Rule
    /// The maximum size of a packet in bytes, including its header or its delimiter.
    package var maximumPacketSize: Int

    package init(_ rule: Rule, maximumPacketSize: Int) {
        self.rule = rule
        self.maximumPacketSize = maximumPacketSize
    }
}

extension PacketFraming.Rule {
    var isRaw: Bool {
        if case .raw = self { true } else { false }
    }

    /// Whether the end of the stream in the middle of a packet makes it worthless: a worker could not tell it from a
    /// whole one.
    var dropsRest: Bool {
        switch self {
        case .length, .fixed, .starts: true
        case .merge, .mergeAny, .split, .marked, .raw, .need: false
        }
    }
}

/// The result of a decoder's search at the front of the gathered bytes.
enum PacketBoundary: Hashable {
    /// More bytes are needed.
    case incomplete
    /// A packet of this many bytes, at least one; the decoder continues with the bytes after it.
    case packet(Int)
    /// This many bytes, at least one, belong to no packet. The decoder's state counts from the bytes after them.
    case skip(Int)
    /// The packet that has begun exceeds the maximum size.
    case tooLarge
    /// The bytes cannot be the beginning of a packet.
    case malformed
}
