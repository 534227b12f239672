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

    @Test func aListenerThatTheSystemEndsListensAgain() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let pool = WorkerPool(
            configuration: .init(numWorkers: 1),
            launcher: NoWorkers(),
            loops: Array(group.makeIterator()),
            logger: logger
        )
        let server = TCPServer(pool: pool, group: group, logger: logger)
        let configuration = ServerConfiguration(
            name: "main",
            address: .tcp(host: "127.0.0.1", port: 0),
            framing: PacketFraming(delimiter: [10], maximumPacketSize: 100),
            readBufferSize: 100
        )
        let listeners = try await server.listen(on: [configuration])
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
        let client = try await ClientBootstrap(group: group).connect(host: host, port: port).get()
        try await client.close().get()
        await listener.close()
        #expect(listener.isClosed)
    }
}
