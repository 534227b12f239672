import Foundation
import Testing

/// An account of all events: those that reached fuzz workers, by the workers' own log, and those that `rr` says were
/// lost with a worker.
struct FuzzLedger {
    private let entries: [EventLog.Entry]
    private let log: LineLog
    private let connections: [String: [EventLog.Entry]]
    private let others: [EventLog.Entry]
    /// What `rr` logged of each connection.
    private let lines: [String: [String]]

    init(_ entries: [EventLog.Entry], _ log: LineLog) {
        self.connections = Dictionary(grouping: entries.filter { $0.uuid != nil }) { $0.uuid ?? "" }
        self.entries = entries
        self.log = log
        self.others = entries.filter { $0.uuid == nil }
        self.lines = Dictionary(grouping: log.all.filter { $0.contains("uuid=") }) { line in
            line.range(of: "uuid=").map { String(line[$0.upperBound...].prefix(36)) } ?? ""
        }
    }

    func check(against metrics: Metrics) {
        let bad = self.others.filter { $0.event != "REFUSED" }
        #expect(bad.isEmpty, "a worker read what is no frame: \(bad.prefix(3))")
        for (uuid, entries) in self.connections {
            self.check(entries, of: uuid)
        }
        for event in ["CONNECTED", "CLOSE"] {
            let noted = self.connections.filter { $0.value.contains { $0.event == event } }.count
            let lost = self.lines.filter { uuid, lines in
                self.connections[uuid]?.contains { $0.event == event } != true && Self.tells(lines, of: event)
            }.count
            print("fuzz: \(noted) \(event) reached workers, \(lost) were lost with a worker")
            #expect(Self.submitted(event, metrics) == noted + lost, "\(event): \(noted) noted, \(lost) told as lost")
        }
        let data = self.connections.values.reduce(0) { $0 + $1.count { $0.event == "DATA" } }
        let failed = self.lines.values.filter { Self.tells($0, of: "DATA") }.count
        #expect((data...(data + failed)).contains(Self.submitted("DATA", metrics)), "\(data) DATA, \(failed) failed")
        let verbs = Dictionary(grouping: self.connections.values.joined()) { $0.verb ?? "" }.mapValues(\.count)
        print("fuzz: \(verbs.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))")
    }

    /// One CONNECTED, then DATA, then one CLOSE; the packets of one client in their order, each of them once.
    private func check(_ entries: [EventLog.Entry], of uuid: String) {
        let events = entries.map(\.event)
        let middle = events.drop { $0 == "CONNECTED" }.prefix { $0 == "DATA" }
        #expect(events.count { $0 == "CONNECTED" } <= 1, "\(self.story(of: uuid))")
        #expect(events.count { $0 == "CLOSE" } <= 1, "\(self.story(of: uuid))")
        #expect(middle.count >= events.count - 2, "\(self.story(of: uuid))")
        #expect(Set(entries.map(\.remoteAddress)).count == 1, "\(uuid): events of several clients")
        #expect(!entries.contains { $0.verb == "foreign" }, "\(uuid): a packet with bytes of several clients")
        // One that was answered before it was read has none.
        let titles = entries.filter { $0.event == "DATA" }.map { $0.title ?? "" }
        let name = titles.first { $0.hasPrefix("~") }?.prefix(FuzzName.length) ?? ""
        for (number, title) in titles.enumerated() where title.hasPrefix("~") {
            // Of the last packet a client's system may have sent the first bytes alone.
            let isBegun = number == titles.count - 1 && "\(name) \(number)".hasPrefix(title)
            #expect(isBegun || title == "\(name) \(number)", "\(titles): \(self.story(of: uuid))")
        }
        for event in ["CONNECTED", "CLOSE"] where !events.contains(event) {
            let isTold = Self.tells(self.lines[uuid] ?? [], of: event)
            #expect(isTold, "\(uuid) has no \(event), and nobody says why: \(events)")
        }
    }

    /// What the workers of a connection did about the time of its events, and what `rr` logged of it and of them.
    private func story(of uuid: String) -> String {
        let workers = Set((self.connections[uuid] ?? []).map(\.pid))
        let notes = workers.sorted().flatMap { worker in
            let entries = self.entries.filter { $0.pid == worker }
            let last = entries.lastIndex { $0.uuid == uuid } ?? 0
            return entries[max(0, last - 12)..<min(entries.count, last + 3)].map { entry in
                "\(worker) \(entry.uuid ?? "-") \(entry.event) \(entry.verb ?? "")"
            }
        }
        let lines = self.log.all.filter { line in
            line.contains(uuid)
                || workers.contains { line.contains("worker.pid=\($0)") || line.contains("(pid \($0))") }
        }
        return ([uuid] + notes + lines).joined(separator: "\n")
    }

    /// Whether a connection's lines say that the event has failed.
    ///
    /// An error frame counts as the answer to an event when the worker ended without another one: it may not have read
    /// that event.
    private static func tells(_ lines: [String], of event: String) -> Bool {
        lines.contains { line in
            line.contains("event=\(event)") || event != "CLOSE" && line.contains("worker answered with an error")
        }
    }

    private static func submitted(_ event: String, _ metrics: Metrics) -> Int {
        ["main", "split"].reduce(0) { sum, server in
            sum + Int(metrics[#"rr_tcp_events_total{server="\#(server)",event="\#(event)"}"#] ?? 0)
        }
    }
}
