import Addresses

/// Which master has which slots of a cluster.
struct SlotMap: Sendable, Equatable {
    private struct Range: Sendable, Equatable {
        var slots: ClosedRange<Int>
        var master: ListenAddress
    }

    /// In the order of their slots, without overlap.
    private var ranges: [Range] = []

    /// Reads the reply to `CLUSTER SLOTS`.
    ///
    /// - Parameter asked: The server that replied: it does not name itself if it does not know its address.
    /// - Returns: `nil` if it is none, or no master has any slot.
    init?(_ reply: RESPValue, from asked: ListenAddress) {
        guard let entries = reply.list, !entries.isEmpty else { return nil }
        for entry in entries {
            guard let fields = entry.list, fields.count >= 3, let first = fields[0].number, let last = fields[1].number,
                0 <= first, first <= last, last < HashSlot.count, let master = Self.node(fields[2], asked)
            else {
                return nil
            }
            self.ranges.append(Range(slots: Int(first)...Int(last), master: master))
        }
        self.ranges.sort { $0.slots.lowerBound < $1.slots.lowerBound }
        for (range, next) in zip(self.ranges, self.ranges.dropFirst())
        where range.slots.upperBound >= next.slots.lowerBound {
            return nil
        }
    }

    private static func node(_ value: RESPValue, _ asked: ListenAddress) -> ListenAddress? {
        guard let fields = value.list, fields.count >= 2, let port = fields[1].number, (1...65535).contains(port) else {
            return nil
        }
        return Self.address(host: fields[0].string, port: Int(port), from: asked)
    }

    /// The address of a node as another one names it.
    ///
    /// - Parameter host: Absent, empty or `?` when the node that was asked does not know: its own host then.
    static func address(host: String?, port: Int, from asked: ListenAddress) -> ListenAddress? {
        if let host, !host.isEmpty, host != "?" {
            return .tcp(host: host, port: port)
        }
        guard case .tcp(let host, _) = asked else { return nil }
        return .tcp(host: host, port: port)
    }

    func master(of slot: HashSlot) -> ListenAddress? {
        var (low, high) = (0, self.ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if self.ranges[middle].slots.upperBound < slot.number { low = middle + 1 } else { high = middle }
        }
        guard low < self.ranges.count, self.ranges[low].slots.contains(slot.number) else { return nil }
        return self.ranges[low].master
    }

    /// All masters that have slots, each once, in the order of their first slots.
    var masters: [ListenAddress] {
        self.ranges.map(\.master).distinct
    }
}

extension [ListenAddress] {
    /// Each address once, where it is first.
    var distinct: [ListenAddress] {
        var seen: Set<ListenAddress> = []
        return self.filter { seen.insert($0).inserted }
    }
}
