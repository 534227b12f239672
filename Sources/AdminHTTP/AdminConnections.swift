import NIOCore

/// The open connections of one admin address; confined to the admin server's one event loop.
final class AdminConnections: @unchecked Sendable {
    /// Connections at once: some probes, some scrapers; more of them wait in the backlog.
    private static let limit = 64

    /// Whether no more are wanted.
    private var isClosing = false
    /// The oldest first.
    private var channels: [(channel: any Channel, since: NIODeadline)] = []

    var isFull: Bool {
        self.isClosing || self.channels.count >= Self.limit
    }

    /// When the connection that is there longest was accepted.
    var oldest: NIODeadline? {
        self.channels.first?.since
    }

    func add(_ channel: any Channel, at time: NIODeadline) {
        self.channels.append((channel, time))
    }

    func remove(_ channel: any Channel) {
        self.channels.removeAll { $0.channel === channel }
    }

    /// From now on it is full.
    func acceptNoMore() {
        self.isClosing = true
    }

    func closeOldest() {
        self.channels.first?.channel.close(promise: nil)
    }

    func closeAll() {
        for entry in self.channels {
            entry.channel.close(promise: nil)
        }
    }
}
