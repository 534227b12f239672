import Foundation

/// The workers' notes: each event that has reached a worker, in order of arrival.
final class EventLog: @unchecked Sendable {
    struct Entry: Decodable {
        /// `CONNECTED`, `DATA`, `CLOSE`; the worker's own: `START`, `STOP`.
        var event: String
        var pid: pid_t
        var server: String?
        var uuid: String?
        var remoteAddress: String?
        /// Of the body, as the three that follow.
        var length: Int?
        var sha256: String?
        /// The last four bytes, in hexadecimal.
        var tail: String?
        /// Of the frame, as the number of its options.
        var flags: Int?
        var options: Int?
        /// What a fuzz worker did then.
        var verb: String?
        /// The packet's first two words, from a fuzz worker.
        var title: String?
        /// What an RPC call has answered.
        var result: String?
        /// Why the connection was closed, of `CLOSE` after some of its ends.
        var reason: String?

        enum CodingKeys: String, CodingKey {
            case event, pid, server, uuid, length, sha256, tail, flags, options, verb, title, result, reason
            case remoteAddress = "remote_addr"
        }
    }

    let path: String
    private let lock = NSLock()
    private var entries: [Entry] = []
    private var offset: UInt64 = 0

    init(path: String) {
        self.path = path
    }

    /// The entries so far.
    var all: [Entry] {
        get throws {
            try self.lock.withLock {
                try self.readMore()
                return self.entries
            }
        }
    }

    /// The events of a connection, `CONNECTED` to `CLOSE`.
    func of(_ client: Client) throws -> [Entry] {
        try self.of(client.localAddress)
    }

    func of(_ address: String) throws -> [Entry] {
        try self.all.filter { $0.remoteAddress == address }
    }

    func count(_ event: String) throws -> Int {
        try self.all.count { $0.event == event }
    }

    /// The connection's events by name, once its `CLOSE` is among them.
    func awaitClose(of client: Client) throws -> [String] {
        try self.awaitClose(of: client.localAddress)
    }

    func awaitClose(of address: String) throws -> [String] {
        try eventually("CLOSE of \(address)") { try self.of(address).contains { $0.event == "CLOSE" } }
        return try self.of(address).map(\.event)
    }

    func await(_ event: String, count: Int, of client: Client, within duration: Duration = Deadline.patience) throws {
        let address = client.localAddress
        try eventually("\(count) \(event) of \(address)", within: duration) {
            try self.of(address).count { $0.event == event } >= count
        }
    }

    func await(_ event: String, count: Int, within duration: Duration = Deadline.patience) throws {
        try eventually("\(count) \(event)", within: duration) { try self.count(event) >= count }
    }

    private func readMore() throws {
        guard let file = FileHandle(forReadingAtPath: self.path) else {
            return
        }
        defer { try? file.close() }
        try file.seek(toOffset: self.offset)
        let data = try file.readToEnd() ?? Data()
        guard let end = data.lastIndex(of: UInt8(ascii: "\n")) else {
            return
        }
        let lines = data[...end]
        self.offset += UInt64(lines.count)
        // One array of all the lines.
        let entries = lines.dropLast().map { $0 == UInt8(ascii: "\n") ? UInt8(ascii: ",") : $0 }
        self.entries += try JSONDecoder().decode([Entry].self, from: Data("[".utf8) + entries + Data("]".utf8))
    }
}
