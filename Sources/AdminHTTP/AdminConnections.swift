import NIOCore

/// The open connections of one admin address; confined to the admin server's one event loop.
final class AdminConnections: @unchecked Sendable {
    /// Connections at once: some probes, some scrapers.
    static let limit = 64

    private struct Entry {
        let channel: any Channel
        /// Whether it has ever sent a complete request.
        var hasAsked = false
    }

    /// The oldest first.
    private var entries: [Entry] = []

    /// Takes in a connection. When there are too many another one makes room: the oldest of those that have not asked
    /// for anything, or else the oldest.
    func add(_ channel: any Channel) {
        if self.entries.count >= Self.limit {
            self.makeRoom()
        }
        self.entries.append(Entry(channel: channel))
    }

    /// Closes the connection that is missed least, if there is one.
    func makeRoom() {
        guard !self.entries.isEmpty else {
            return
        }
        let index = self.entries.firstIndex { !$0.hasAsked } ?? 0
        self.entries.remove(at: index).channel.close(promise: nil)
    }

    func hasAsked(_ channel: any Channel) {
        if let index = self.entries.firstIndex(where: { $0.channel === channel }) {
            self.entries[index].hasAsked = true
        }
    }

    func remove(_ channel: any Channel) {
        self.entries.removeAll { $0.channel === channel }
    }

    func closeAll() {
        for entry in self.entries {
            entry.channel.close(promise: nil)
        }
    }
}
