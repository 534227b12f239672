import NIOCore

/// What an answer asks of the one packet that follows. A class: hardly any connection has one.
final class PacketOrder: Sendable {
    /// The rule for that packet; `nil` for the connection's own.
    let framing: PacketFraming?
    /// What the packet begins with, before what the rule cuts off the stream.
    let prefix: ByteBuffer?
    /// What was not used of the packet before, and is to be cut anew.
    let putBack: ByteBuffer?
    /// Whether what was kept is all of the packet that was answered. Without more bytes it is of no use then.
    let isSeenWhole: Bool

    private init(framing: PacketFraming?, prefix: ByteBuffer?, putBack: ByteBuffer?, isSeenWhole: Bool) {
        self.framing = framing
        self.prefix = prefix
        self.putBack = putBack
        self.isSeenWhole = isSeenWhole
    }

    /// - Parameters:
    ///   - packet: The one that was answered.
    ///   - own: The connection's framing.
    /// - Returns: The order, if there is anything to do, and what is wrong with the answer.
    static func make(
        _ parameters: AnswerParameters,
        after packet: ByteBuffer,
        _ own: PacketFraming
    ) -> (order: PacketOrder?, fault: String?) {
        let (limit, size) = (own.maximumPacketSize, packet.readableBytes)
        let isForOwnRule = parameters.until == nil && parameters.need == nil
        var fault = parameters.fault
        var prefix: ByteBuffer?
        var putBack: ByteBuffer?
        if let keep = parameters.keep, keep > 0 {
            if keep > size {
                fault = fault ?? "keep is more than the \(size) bytes of the packet"
            } else if keep == size, let until = parameters.until, !Self.contains(until, packet) {
                // The end that is asked for may begin in what was kept.
                putBack = packet
            } else if keep == size {
                // Cut anew it would come again at once, and without end if a worker keeps it each time.
                prefix = packet
            } else if isForOwnRule, own.rule.isRaw {
                prefix = ByteBuffer(bytes: packet.readableBytesView.suffix(keep))
            } else {
                putBack = ByteBuffer(bytes: packet.readableBytesView.suffix(keep))
            }
        }
        let kept = prefix?.readableBytes ?? 0
        var rule: PacketFraming.Rule?
        // Of all that has come, as much as there is room for.
        var room = limit
        if let until = parameters.until {
            rule = until.count <= limit ? .split(Delimiter(until)) : nil
        } else if let need = parameters.need {
            rule = need <= limit ? .need(max(1, need - kept)) : nil
            room = max(1, limit - kept)
        } else if kept > 0, own.rule.isRaw {
            rule = .raw
            room = max(1, limit - kept)
        }
        if rule == nil, !isForOwnRule {
            fault = fault ?? "a packet cannot be larger than max_packet_size, \(limit) bytes"
        }
        guard rule != nil || prefix != nil || putBack != nil else {
            return (nil, fault)
        }
        let order = PacketOrder(
            framing: rule.map { PacketFraming($0, maximumPacketSize: room) },
            prefix: prefix,
            putBack: putBack,
            isSeenWhole: (prefix ?? putBack)?.readableBytes == size
        )
        return (order, fault)
    }

    private static func contains(_ end: some Collection<UInt8>, _ packet: ByteBuffer) -> Bool {
        packet.readableBytesView.firstRange(of: end) != nil
    }

    /// A packet with what comes before it.
    func whole(_ packet: ByteBuffer) -> ByteBuffer {
        guard var whole = self.prefix else {
            return packet
        }
        whole.writeImmutableBuffer(packet)
        return whole
    }
}
