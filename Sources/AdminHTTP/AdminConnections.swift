import Logging
import NIOCore
import Sockets

/// The open connections of one admin address; confined to the admin server's one event loop.
final class AdminConnections: @unchecked Sendable {
    /// Connections at once: some probes and scrapers, and room for all that may connect between a probe's connect and its request,
    /// when clients connect as fast as they can.
    static let limit = 128

    /// As many may be kept for having asked: the other places are for newcomers, of which a whole batch and the one before
    /// it fit in, so that a probe is answered before it is the oldest of them.
    static let keptLimit = AdminConnections.limit / 4

    private struct Entry {
        let channel: any Channel
        /// Whether it has ever sent a complete request.
        var hasAsked = false
        /// Whether there is an answer that the system has not taken.
        var isAnswering = false

        /// Its client loses nothing: it connects again when it wants to ask again.
        var isAtRest: Bool { self.hasAsked && !self.isAnswering }
    }

    /// The oldest first.
    private var entries: [Entry] = []

    /// Takes in a connection. When there are too many another one makes room: the oldest of those that have not asked
    /// for anything; but where many have, one of them, as clients that ask once and stay would leave newcomers no room.
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
        let silent = self.entries.firstIndex { !$0.hasAsked }
        let kept = self.entries.firstIndex { $0.isAtRest } ?? self.entries.firstIndex { $0.hasAsked }
        let hasManyKept = self.entries.count { $0.hasAsked } > Self.keptLimit
        let index = (hasManyKept ? kept : silent) ?? 0
        self.entries.remove(at: index).channel.close(promise: nil)
    }

    func hasAsked(_ channel: any Channel) {
        self.update(channel) { entry in
            entry.hasAsked = true
            entry.isAnswering = true
        }
    }

    func wasAnswered(_ channel: any Channel) {
        self.update(channel) { $0.isAnswering = false }
    }

    private func update(_ channel: any Channel, _ change: (inout Entry) -> Void) {
        if let index = self.entries.firstIndex(where: { $0.channel === channel }) {
            change(&self.entries[index])
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

extension AdminConnections {
    /// The gate of the address's listener, which knows no limit: a probe must not wait for clients that say nothing, so
    /// that those make room.
    func acceptGate(logger: Logger) -> AcceptGateHandler {
        AcceptGateHandler(logger: logger, makeRoom: self.makeRoom) { context, data in
            let channel = AcceptGateHandler.unwrapInboundIn(data)
            self.add(channel)
            channel.closeFuture.hop(to: context.eventLoop).assumeIsolated().whenComplete { _ in
                self.remove(channel)
            }
            context.fireChannelRead(data)
        }
    }
}
