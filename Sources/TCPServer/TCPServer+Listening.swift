import Logging
import NIOCore
import Sockets

extension TCPServer {
    /// How long connections that came before a narrower listener was there may take to be complete.
    private static let handOverTime = Duration.seconds(1)

    /// Listens on every server, keeping what is listened on already: by the text of its address, or by what it leads to.
    ///
    /// Listeners that are kept are reconfigured, those that are not wanted any more closed; both only when all the
    /// others could be bound. An address may take the place of one that it overlaps with, and no connection is lost:
    /// - A listener whose address the new one includes (`127.0.0.1:80` becomes `:80`) is kept beside it. The system prefers
    ///   it for that address, and what is in its backlog would be lost with it.
    /// - A listener whose address includes the new one (`:80` becomes `127.0.0.1:80`) is closed a second later: by then it
    ///   has accepted the connections that were on their way to it.
    ///
    /// - Parameter current: What an earlier call returned.
    /// - Throws: ``ListenError`` when one cannot be listened on; nothing has changed then. `CancellationError` when
    ///   ``closeListeners()`` was called meanwhile: none is left then.
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
            // What is handed over to listens at once: it comes last, when nothing else can fail.
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
            self.counters?.keep(Set(current.map(\.server)))
            throw error
        }
        change.keepWhatIsIncluded()
        for (listener, server) in change.kept {
            listener.setMode(server, self.logger)
        }
        // Before others are closed: those are not missed.
        guard self.setListeners(change.listeners) else {
            await change.undo()
            throw CancellationError()
        }
        change.reconfigure()
        self.counters?.keep(Set(servers.map(\.server)))
        await self.close(change)
        return change.listeners
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
            // A reload that is cancelled does not wait.
            try? await Task.sleep(for: Self.handOverTime)
        }
        for listener in including {
            await listener.close()
        }
    }
}

/// What becomes of the listeners in a change of the servers.
private struct ListenerChange {
    private(set) var kept: [(Listener, ListenerConfiguration)] = []
    /// Sockets without a listener yet.
    var bound: [(ListenerConfiguration, BoundSocket)] = []
    var opened: [(Listener, ListenerConfiguration)] = []
    /// Listeners that no server wants so far.
    private(set) var leaving: [Listener]
    private var spare: [(Listener, ListenerConfiguration)] = []

    init(_ current: [Listener]) {
        self.leaving = current
    }

    var listeners: [Listener] {
        (self.kept + self.opened + self.spare).map(\.0)
    }

    /// Keeps what listens at an address of the same text.
    ///
    /// - Returns: Whether there was something.
    mutating func keep(for server: ListenerConfiguration) -> Bool {
        let candidates = self.leaving.filter { $0.serves(server) }
        let named = candidates.filter { $0.server == server.server }
        let listeners = named.isEmpty ? candidates : named
        self.keep(listeners, for: server)
        return !listeners.isEmpty
    }

    /// Keeps what listens at the very address.
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

    /// Whether something that goes is in the way of an address.
    func hasConflict(with addresses: [SocketAddress]) -> Bool {
        self.leaving.contains { listener in addresses.contains { $0.conflicts(with: listener.bound.address) } }
    }

    /// Keeps what goes beside listeners that include its address.
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
            // One of the same text is what it was; one that was found by its address is all there is.
            listener.reconfigure(server, isSpare: listener.serves(server) ? nil : false)
        }
        for (listener, server) in self.spare {
            listener.reconfigure(server, isSpare: true)
        }
    }

    /// Gives up what is new.
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
    /// Gives the file of a unix socket the permissions that are configured.
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
