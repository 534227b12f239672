import Addresses
import Glibc
import Logging
import NIOCore
import NIOPosix
import Sockets
import Testing
import WorkerPool

@testable import TCPServer

@Suite struct ListenerTests {
    private struct NoWorkers: WorkerLauncher {
        func run(_ id: WorkerID, slot: Int, events: any WorkerEvents) async {}
    }

    private let group = MultiThreadedEventLoopGroup.singleton

    private func server() -> TCPServer {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let pool = WorkerPool(
            configuration: .init(numWorkers: 1),
            launcher: NoWorkers(),
            loops: Array(self.group.makeIterator()),
            logger: logger
        )
        return TCPServer(pool: pool, group: self.group, logger: logger)
    }

    private func configuration(
        _ name: String,
        _ address: ListenAddress = .tcp(host: "127.0.0.1", port: 0),
        mode: UInt32? = nil
    ) -> ListenerConfiguration {
        ListenerConfiguration(
            server: name,
            address: address,
            socketMode: mode,
            framing: PacketFraming(.merge(Delimiter([10])), maximumPacketSize: 100),
            readBufferSize: 100
        )
    }

    @Test func aListenerThatTheSystemEndsListensAgain() async throws {
        let listeners = try await self.server().listen(on: [self.configuration("main")])
        let listener = try #require(listeners.first)
        guard case .tcp(let host, let port) = listener.address else {
            Issue.record("no address")
            return
        }
        let first = listener.bound.channel
        // As NIO does after an error of accept(2) that it does not know.
        try await first.close().get()
        while listener.bound.channel === first {
            try await Task.sleep(for: .milliseconds(5))
        }
        let client = try await ClientBootstrap(group: self.group).connect(host: host, port: port).get()
        try await client.close().get()
        await listener.close()
        #expect(listener.bound.isClosed)
    }

    @Test func listenersThatAreNotWantedAnyMoreAreNotMissed() async throws {
        let server = self.server()
        let configurations = (0..<50).map { self.configuration("\($0)") }
        let listeners = try await server.listen(on: configurations)
        let missed = Task.detached {
            var missed: Set<String> = []
            while !Task.isCancelled {
                missed.formUnion(server.serversNotListening)
            }
            return missed
        }
        let kept = try await server.listen(on: [configurations[0]], keeping: listeners)
        missed.cancel()
        #expect(await missed.value == [])
        #expect(kept.map(\.server) == ["0"])
        for listener in kept {
            await listener.close()
        }
    }

    /// A port that is free.
    private func port(_ server: TCPServer) async throws -> Int {
        let listeners = try await server.listen(on: [self.configuration("any")])
        guard case .tcp(_, let port) = listeners[0].address else {
            return 0
        }
        await listeners[0].close()
        return port
    }

    private func addresses(_ listeners: [Listener]) -> Set<String?> {
        Set(listeners.map(\.bound.address.ipAddress))
    }

    @Test func anAddressIsWidenedRespelledAndNarrowed() async throws {
        let server = self.server()
        let port = try await self.port(server)
        var listeners: [Listener] = []
        func change(_ hosts: String...) async throws -> Set<String?> {
            let configurations = hosts.enumerated().map { self.configuration("\($0)", .tcp(host: $1, port: port)) }
            listeners = try await server.listen(on: configurations, keeping: listeners)
            #expect(server.serversNotListening == [])
            #expect(Set(listeners.map(\.server)) == Set(configurations.map(\.server)))
            return self.addresses(listeners)
        }
        #expect(try await change("127.0.0.1") == ["127.0.0.1"])
        let first = try #require(listeners.first)
        #expect(try await change("localhost") == ["127.0.0.1"])
        #expect(try await change("0.0.0.0") == ["127.0.0.1", "0.0.0.0"])
        #expect(try await change("") == ["127.0.0.1", "0.0.0.0", "::"])
        #expect(try await change("::") == ["127.0.0.1", "0.0.0.0", "::"])
        #expect(listeners.contains { $0 === first }, "it was never closed")
        #expect(try await change("127.0.0.1") == ["127.0.0.1"])
        #expect(listeners.map(ObjectIdentifier.init) == [ObjectIdentifier(first)])
        #expect(try await change("127.0.0.1", "127.0.0.2") == ["127.0.0.1", "127.0.0.2"])
        #expect(try await change("") == ["127.0.0.1", "127.0.0.2", "::"])
        #expect(try await change("127.0.0.2", "127.0.0.3") == ["127.0.0.2", "127.0.0.3"])
        for listener in listeners {
            await listener.close()
        }
    }

    @Test func aSpareListenerThatTheSystemEndsIsNotMissed() async throws {
        let server = self.server()
        let port = try await self.port(server)
        func listen(_ host: String, keeping listeners: [Listener]) async throws -> [Listener] {
            let configuration = self.configuration("main", .tcp(host: host, port: port))
            return try await server.listen(on: [configuration], keeping: listeners)
        }
        let narrow = try await listen("127.0.0.1", keeping: [])
        let wide = try await listen("", keeping: narrow)
        #expect(wide.count == 2)
        let spare = narrow[0].bound.channel
        try await spare.close().get()
        #expect(server.serversNotListening == [])
        // The wide one can listen anew beside the other.
        let main = try #require(wide.first { $0 !== narrow[0] })
        let channel = main.bound.channel
        try await channel.close().get()
        while main.bound.channel === channel || !narrow[0].bound.isListening {
            try await Task.sleep(for: .milliseconds(5))
        }
        for listener in wide {
            await listener.close()
        }
    }

    @Test func anAddressThatIsAnothersIsNotShared() async throws {
        let (server, other) = (self.server(), self.server())
        let port = try await self.port(server)
        let mine = try await server.listen(on: [self.configuration("mine", .tcp(host: "127.0.0.1", port: port))])
        let others = try await other.listen(on: [self.configuration("other", .tcp(host: "127.0.0.2", port: port))])
        let wide = self.configuration("mine", .tcp(host: "", port: port))
        for _ in 0..<2 {
            let error = await #expect(throws: ListenError.self) { try await server.listen(on: [wide], keeping: mine) }
            #expect(error?.reason.contains("in use") == true)
            #expect(mine[0].bound.isListening)
        }
        // Nor is what was offered for a moment.
        await #expect(throws: ListenError.self) { try await other.listen(on: [wide], keeping: others) }
        for listener in mine + others {
            await listener.close()
        }
    }

    @Test func aUnixSocketMayBeSpelledOtherwiseAndItsModeChanged() async throws {
        let server = self.server()
        let path = "/tmp/rr-listener-\(UInt64.random(in: 0 ... .max)).sock"
        func mode() -> UInt32? {
            var status = stat()
            return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
        }
        var listeners = try await server.listen(on: [self.configuration("main", .unix(path: path), mode: 0o600)])
        let first = listeners[0]
        #expect(mode() == 0o600)
        let other = self.configuration("main", .unix(path: "/tmp/../\(path)"), mode: 0o660)
        listeners = try await server.listen(on: [other], keeping: listeners)
        #expect(listeners.count == 1 && listeners[0] === first)
        #expect(mode() == 0o660)
        await first.close()
        #expect(mode() == nil)
    }
}
