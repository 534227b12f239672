import Logging
import NIOCore
import NIOPosix
import Testing
import WorkerPool

@testable import TCPServer

@Suite struct ListenerTests {
    private struct NoWorkers: WorkerLauncher {
        func run(_ id: WorkerID, events: any WorkerEvents) async {}
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

    private func configuration(_ name: String) -> ServerConfiguration {
        ServerConfiguration(
            name: name,
            address: .tcp(host: "127.0.0.1", port: 0),
            framing: PacketFraming(delimiter: [10], maximumPacketSize: 100),
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
        let first = listener.channel
        // As NIO does after an error of accept(2) that it does not know.
        try await first.close().get()
        while listener.channel === first {
            try await Task.sleep(for: .milliseconds(5))
        }
        let client = try await ClientBootstrap(group: self.group).connect(host: host, port: port).get()
        try await client.close().get()
        await listener.close()
        #expect(listener.isClosed)
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
}
