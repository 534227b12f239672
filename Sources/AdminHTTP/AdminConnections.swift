import Logging
import NIOCore
import Sockets

/// The open connections of one admin address; confined to the admin server's one event loop.
final class AdminConnections: @unchecked Sendable {
    /// The most open connections: some probes and scrapers, and room for the clients that may connect, as fast as they
    /// can, between a probe's connect and its request.
    static let limit = 128

    /// The most connections that are kept after a request. The other places are for newcomers: two batches of them fit,
    /// so that a probe is answered before it is the oldest.
    static let keptLimit = AdminConnections.limit / 4

    private struct Entry {
        let channel: any Channel
        /// Whether it has ever sent a complete request.
        var hasAsked = false
        /// Whether the system has not taken all of an answer.
        var isAnswering = false

        /// Whether closing it costs the client nothing: it connects again for its next request.
        var isAtRest: Bool { self.hasAsked && !self.isAnswering }
    }

    /// The oldest first.
    private var entries: [Entry] = []

    /// Adds a connection. If there are too many, another one is closed: the oldest without a request, or, if many have
    /// made one, one of those, because clients that ask once and stay would leave no room for newcomers.
    func add(_ channel: any Channel) {
        if self.entries.count >= Self.limit {
            self.makeRoom()
        }
        self.entries.append(Entry(channel: channel))
    }

    /// Closes the least valuable connection, if any.
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
    /// The gate of the address's listener. It has no limit: silent clients are closed to make room, because a probe
    /// must not wait for them.
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
