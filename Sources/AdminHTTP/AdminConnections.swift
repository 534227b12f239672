import NIOCore

/// The open connections of one admin address; confined to the admin server's one event loop.
final class AdminConnections: @unchecked Sendable {
    /// Connections at once: some probes, some scrapers; more of them wait in the backlog.
    private static let limit = 64

    private var channels: [ObjectIdentifier: any Channel] = [:]

    var isFull: Bool {
        self.channels.count >= Self.limit
    }

    func add(_ channel: any Channel) {
        self.channels[ObjectIdentifier(channel)] = channel
    }

    func remove(_ channel: any Channel) {
        self.channels[ObjectIdentifier(channel)] = nil
    }

    func closeAll() {
        for channel in self.channels.values {
            channel.close(promise: nil)
        }
    }
}
