import NIOCore

/// The packets of a connection: what its framing cuts off the stream, and what the last answer asks of the next one.
struct PacketSource {
    /// What is left once the client has ended its side, and there is no whole packet.
    enum Rest {
        case nothing
        case packet(ByteBuffer)
        /// The end came in the middle of a packet that is worthless then.
        case truncated(PacketEvidence)
    }

    private var framer = PacketFramer()
    /// What the last answer asks of the next packet, if anything.
    private var order: PacketOrder?

    /// Bytes that are not part of a packet yet.
    var count: Int {
        self.framer.count + (self.order?.prefix?.readableBytes ?? 0)
    }

    mutating func append(_ bytes: ByteBuffer) {
        self.framer.append(bytes)
    }

    /// Frees memory beyond the gathered bytes.
    mutating func compact() {
        self.framer.compact()
    }

    mutating func removeAll() {
        self.framer.removeAll()
        self.order = nil
    }

    /// - Parameter framing: The connection's own.
    mutating func next(_ framing: @autoclosure () -> PacketFraming) -> PacketFramer.Result {
        if let order {
            return self.next(order, framing())
        }
        return self.framer.next(framing())
    }

    private mutating func next(_ order: PacketOrder, _ own: PacketFraming) -> PacketFramer.Result {
        let result = self.framer.next(order.framing ?? own)
        guard case .packet(let packet) = result else {
            return result
        }
        if order.framing != nil {
            self.framer.restart()
        }
        let whole = order.whole(packet)
        guard whole.readableBytes <= own.maximumPacketSize else {
            self.framer.putBack(whole)
            return .tooLarge
        }
        self.order = nil
        return .packet(whole)
    }

    /// Takes what an answer asks of the next packet.
    ///
    /// - Parameters:
    ///   - packet: The one that was answered.
    ///   - own: The connection's framing.
    /// - Returns: What is wrong with the answer, if anything.
    mutating func obey(_ parameters: AnswerParameters, after packet: ByteBuffer, _ own: PacketFraming) -> String? {
        let (order, fault) = PacketOrder.make(parameters, after: packet, own)
        if let kept = order?.putBack {
            self.framer.putBack(kept)
        }
        self.order = order
        return fault
    }

    /// What is left once the client has ended its side, after ``next(_:)`` has found no packet.
    mutating func takeRest(_ own: PacketFraming) -> Rest {
        let framing = self.order?.framing ?? own
        let order = self.order
        self.order = nil
        if self.framer.isBetweenPackets(framing) {
            guard let order, let prefix = order.prefix else {
                return .nothing
            }
            // A worker that wanted more of a packet than it has seen gets no more.
            return order.isSeenWhole ? .truncated(PacketEvidence(of: prefix)) : .packet(prefix)
        }
        if let order, order.isSeenWhole, let kept = order.putBack, kept.readableBytes == self.framer.count {
            return .truncated(PacketEvidence(of: kept))
        }
        // A worker can tell that a packet has not the end that it asked for.
        if framing.rule.dropsRest {
            return .truncated(self.framer.evidence())
        }
        return self.framer.takeRest().map { .packet(order?.whole($0) ?? $0) } ?? .nothing
    }

    /// What is known of a packet that is none.
    func evidence() -> PacketEvidence {
        self.framer.evidence()
    }
}
