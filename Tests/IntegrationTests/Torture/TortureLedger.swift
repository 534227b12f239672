import Testing

/// The events of each connection, from the workers' own log.
struct TortureLedger {
    private var connections: [String: [EventLog.Entry]]

    init(_ entries: [EventLog.Entry]) {
        self.connections = Dictionary(grouping: entries.filter { $0.uuid != nil }) { $0.uuid ?? "" }
    }

    /// Each connection has one CONNECTED, then DATA, then one CLOSE.
    ///
    /// An event that a worker had been given when it was killed is not told twice, and may not be in the workers' log:
    /// then `rr` says of which connection it was.
    func check(_ log: LineLog) {
        let failures = log.all.filter { $0.contains("event=") }
        func isTold(_ event: String, _ uuid: String) -> Bool {
            failures.contains { $0.contains("event=\(event)") && $0.contains(uuid) }
        }
        var lost = 0
        for (uuid, entries) in self.connections {
            let events = entries.map(\.event)
            let middle = events.drop { $0 == "CONNECTED" }.prefix { $0 == "DATA" }
            #expect(events.count { $0 == "CONNECTED" } <= 1, "\(uuid): \(events)")
            #expect(events.count { $0 == "CLOSE" } <= 1, "\(uuid): \(events)")
            #expect(middle.count >= events.count - 2, "\(uuid): \(events)")
            for event in ["CONNECTED", "CLOSE"] where !events.contains(event) {
                lost += 1
                #expect(isTold(event, uuid), "\(uuid) has no \(event), and nobody says why: \(events)")
            }
        }
        print("torture: \(self.connections.count) connections, \(lost) events lost with the worker that had them")
    }
}
