import NIOCore

/// What an answer asks of the one packet that follows. A class: hardly any connection has one.
final class PacketOrder: Sendable {
    /// The rule for that packet; `nil` for the connection's own.
    let framing: PacketFraming?
    /// What the packet begins with, before what the rule cuts off the stream.
    let prefix: ByteBuffer?
    /// Whether `prefix` is all of the packet that was answered. Without more bytes it is of no use then.
    let isSeenWhole: Bool
    /// What is wrong with the answer, until that is told.
    let fault: String?

    private init(framing: PacketFraming?, prefix: ByteBuffer?, isSeenWhole: Bool, fault: String?) {
        self.framing = framing
        self.prefix = prefix
        self.isSeenWhole = isSeenWhole
        self.fault = fault
    }

    /// - Parameters:
    ///   - packet: The one that was answered.
    ///   - framing: The connection's own.
    ///   - putBack: Gets bytes that are to be cut anew.
    convenience init(
        _ parameters: AnswerParameters,
        packet: ByteBuffer,
        framing own: PacketFraming,
        putBack: (ByteBuffer) -> Void
    ) {
        let limit = own.maximumPacketSize
        var fault = parameters.fault
        var prefix: ByteBuffer?
        let size = packet.readableBytes
        if let keep = parameters.keep, keep > 0 {
            if keep > size {
                fault = fault ?? "keep is more than the \(size) bytes of the packet"
            } else if keep == size || parameters.isForOwnRule && own.rule.isRaw {
                // Cut anew they would come again at once, and without end if a worker keeps them each time.
                prefix = keep == size ? packet : ByteBuffer(bytes: packet.readableBytesView.suffix(keep))
            } else {
                putBack(ByteBuffer(bytes: packet.readableBytesView.suffix(keep)))
            }
        }
        var rule: PacketFraming.Rule?
        if let until = parameters.until {
            rule = until.count <= limit ? .split(Delimiter(until)) : nil
        } else if let need = parameters.need {
            rule = need <= limit ? .need(max(1, need - (prefix?.readableBytes ?? 0))) : nil
        }
        if rule == nil, !parameters.isForOwnRule {
            fault = fault ?? "a packet of max_packet_size, \(limit) bytes, cannot be so large"
        }
        self.init(
            framing: rule.map { PacketFraming($0, maximumPacketSize: limit) },
            prefix: prefix,
            isSeenWhole: prefix?.readableBytes == size,
            fault: fault
        )
    }

    /// The same once the fault is told; `nil` if nothing else is left.
    var reported: PacketOrder? {
        guard self.framing != nil || self.prefix != nil else {
            return nil
        }
        return PacketOrder(framing: self.framing, prefix: self.prefix, isSeenWhole: self.isSeenWhole, fault: nil)
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
