import Logging
import NIOCore
import Sockets

extension TCPServer {
    /// How long connections that began before a narrower listener existed may take to be established.
    private static let handOverTime = Duration.seconds(1)

    /// Listens for every server and keeps listeners that match, by the text of the address or by its resolved address.
    ///
    /// Kept listeners are reconfigured and obsolete ones closed, but only after all new ones were bound. A new address
    /// may replace one that it overlaps with, without losing a connection:
    /// - If the new address includes the old one (`127.0.0.1:80` becomes `:80`), the old listener is kept beside the
    ///   new one. The system prefers it for that address, and closing it would lose the connections in its backlog.
    /// - If the old address includes the new one (`:80` becomes `127.0.0.1:80`), the old listener is closed a second
    ///   later: by then it has accepted the connections that were on their way to it.
    ///
    /// - Parameter current: The result of the previous call.
    /// - Throws: ``ListenError`` if a listener cannot be opened; nothing has changed then. `CancellationError` if
    ///   ``closeListeners()`` was called meanwhile; no listener is left then.
    package func listen(
        on servers: [ListenerConfiguration],
        keeping current: [Listener] = []
    ) async throws -> [Listener] {
        var change = ListenerChange(current)
        do {
            var wanted: [(server: ListenerConfiguration, addresses: [SocketAddress])] = []
            for server in servers where !change.keep(for: server) {
                wanted.append((server, try await self.addresses(of: server)))
            }
            wanted.removeAll { change.keep(for: $0.server, at: $0.addresses) }
            // A socket in a hand-over listens at once, so bind it last, when nothing else can fail.
            let last = wanted.partition { wanted in change.hasConflict(with: wanted.addresses) }
            for (server, addresses) in wanted[..<last] {
                change.bound.append((server, try await self.bind(server, addresses, besides: [])))
            }
            for (server, addresses) in wanted[last...] {
                change.bound.append((server, try await self.bind(server, addresses, besides: change.leaving)))
            }
            while let (server, socket) = change.bound.first {
                change.bound.removeFirst()
                change.opened.append((try await self.listen(on: socket, for: server), server))
            }
        } catch {
            await change.undo()
            self.keepServers(Set(current.map(\.server)))
            throw error
        }
        change.keepWhatIsIncluded()
        for (listener, server) in change.kept {
            listener.setMode(server, self.logger)
            if server.keepAlive != listener.configuration.keepAlive {
                await listener.bound.setKeepAlive(server.keepAlive)
            }
        }
        // Note the new listeners before the old ones close: the status must not report those as missing.
        guard self.setListeners(change.listeners) else {
            await change.undo()
            throw CancellationError()
        }
        change.reconfigure()
        self.keepServers(Set(servers.map(\.server)))
        await self.close(change)
        return change.listeners
    }

    private func keepServers(_ names: Set<String>) {
        self.counters?.keep(names)
        self.desks.keep(names)
    }

    private func addresses(of server: ListenerConfiguration) async throws -> [SocketAddress] {
        do {
            return try await server.address.resolved()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ListenError(server, error)
        }
    }

    private func close(_ change: ListenerChange) async {
        let including = change.leaving.filter { old in
            change.opened.contains { old.bound.address.covers($0.0.bound.address) }
        }
        for listener in change.leaving where !including.contains(where: { $0 === listener }) {
            await listener.close()
        }
        if !including.isEmpty {
            // A cancelled reload does not wait.
            try? await Task.sleep(for: Self.handOverTime)
        }
        for listener in including {
            await listener.close()
        }
    }
}

/// The fate of each listener when the servers change.
private struct ListenerChange {
    private(set) var kept: [(Listener, ListenerConfiguration)] = []
    /// Bound sockets that have no listener yet.
    var bound: [(ListenerConfiguration, BoundSocket)] = []
    var opened: [(Listener, ListenerConfiguration)] = []
    /// Listeners that no server has claimed so far.
    private(set) var leaving: [Listener]
    private var spare: [(Listener, ListenerConfiguration)] = []

    init(_ current: [Listener]) {
        self.leaving = current
    }

    var listeners: [Listener] {
        (self.kept + self.opened + self.spare).map(\.0)
    }

    /// Keeps a listener whose address has the same text.
    ///
    /// - Returns: Whether there was one.
    mutating func keep(for server: ListenerConfiguration) -> Bool {
        let candidates = self.leaving.filter { $0.serves(server) }
        let named = candidates.filter { $0.server == server.server }
        let listeners = named.isEmpty ? candidates : named
        self.keep(listeners, for: server)
        return !listeners.isEmpty
    }

    /// Keeps a listener that is bound to the same address.
    mutating func keep(for server: ListenerConfiguration, at addresses: [SocketAddress]) -> Bool {
        guard let address = addresses.first, let same = self.leaving.first(where: { $0.bound.isListening(at: address) })
        else {
            return false
        }
        self.keep([same], for: server)
        return true
    }

    private mutating func keep(_ listeners: [Listener], for server: ListenerConfiguration) {
        self.leaving.removeAll { listener in listeners.contains { $0 === listener } }
        self.kept += listeners.map { ($0, server) }
    }

    /// Whether a leaving listener conflicts with one of the addresses.
    func hasConflict(with addresses: [SocketAddress]) -> Bool {
        self.leaving.contains { listener in addresses.contains { $0.conflicts(with: listener.bound.address) } }
    }

    /// Keeps a leaving listener if a new listener includes its address.
    mutating func keepWhatIsIncluded() {
        for listener in self.leaving where listener.bound.isListening {
            let wider = (self.kept + self.opened).first { $0.0.bound.address.covers(listener.bound.address) }
            if let wider {
                self.spare.append((listener, wider.1))
            }
        }
        self.leaving.removeAll { listener in self.spare.contains { $0.0 === listener } }
    }

    func reconfigure() {
        for (listener, server) in self.kept {
            // A match by text keeps its role; a match by address is now the server's only listener.
            listener.reconfigure(server, isSpare: listener.serves(server) ? nil : false)
        }
        for (listener, server) in self.spare {
            listener.reconfigure(server, isSpare: true)
        }
    }

    /// Closes everything that was newly opened.
    mutating func undo() async {
        for (_, socket) in self.bound {
            socket.close()
        }
        for (listener, _) in self.opened {
            await listener.close()
        }
    }
}

extension Listener {
    /// Applies the configured permissions to the file of a unix socket.
    fileprivate func setMode(_ server: ListenerConfiguration, _ logger: Logger) {
        guard server.socketMode != self.configuration.socketMode else {
            return
        }
        do {
            try self.bound.setMode(server.socketMode)
        } catch {
            logger.error("cannot set socket_mode", metadata: ["server": "\(server.server)", "error": "\(error)"])
        }
    }
}
