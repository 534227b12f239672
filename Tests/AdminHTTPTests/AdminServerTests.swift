import Addresses
import Logging
import NIOCore
import NIOPosix
import Observability
import Sockets
import Synchronization
import Testing

@testable import AdminHTTP

/// Real sockets on loopback.
@Suite struct AdminServerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private final class Facts: Sendable {
        let current = Mutex(ServicePhase.starting)
    }

    private func start(_ facts: Facts, at address: ListenAddress = .tcp(host: "127.0.0.1", port: 0))
        async throws
        -> AdminServer
    {
        let probes = AdminEndpoint.Probes(unavailableStatus: 503) { HealthReport(facts.current.withLock { $0 }, []) }
        return try await AdminServer.start(
            [AdminEndpoint(address: address, key: "status.address", probes: probes)],
            idleTimeout: .seconds(60),
            logger: self.logger
        )
    }

    private func address(of server: AdminServer) throws -> ListenAddress {
        try #require(server.addresses.first).address
    }

    @Test func aProbeFollowsTheService() async throws {
        let facts = Facts()
        let server = try await self.start(facts)
        let probe = ReadinessProbe(try self.address(of: server), timeout: .seconds(30))
        let early = await #expect(throws: ReadinessProbe.Failure.self) { try await probe.run() }
        #expect(early?.description.contains("the service is starting") == true)
        facts.current.withLock { $0 = .serving }
        try await probe.run()
        facts.current.withLock { $0 = .draining }
        let late = await #expect(throws: ReadinessProbe.Failure.self) { try await probe.run() }
        #expect(late?.description.contains(" 503 ") == true)
        await server.stop()
        // Any reason will do: another process may have the port by now.
        await #expect(throws: ReadinessProbe.Failure.self) { try await probe.run() }
    }

    @Test func aPortThatIsTakenIsNamedAndNothingElseListens() async throws {
        let first = try await self.start(Facts())
        let taken = try self.address(of: first)
        let metrics = AdminEndpoint(address: .tcp(host: "127.0.0.1", port: 0), key: "status.address")
        let error = await #expect(throws: AdminError.self) {
            try await AdminServer.start(
                [metrics, AdminEndpoint(address: taken, key: "metrics.address")],
                idleTimeout: .seconds(60),
                logger: self.logger
            )
        }
        #expect(error?.description.hasPrefix("cannot listen on \(taken) (metrics.address): ") == true)
        #expect(error?.description.contains("in use") == true)
        await first.stop()
    }

    @Test func aUnixSocketIsServedAndItsFileRemoved() async throws {
        let path = "/tmp/rr-admin-\(UInt64.random(in: 0 ... .max)).sock"
        let facts = Facts()
        facts.current.withLock { $0 = .serving }
        let server = try await self.start(facts, at: .unix(path: path))
        try await ReadinessProbe(.unix(path: path), timeout: .seconds(30)).run()
        await server.stop()
        let again = try await self.start(facts, at: .unix(path: path))
        await again.stop()
        await #expect(throws: ReadinessProbe.Failure.self) { try await ReadinessProbe(.unix(path: path)).run() }
    }

    @Test func aUnixSocketThatIsListenedOnIsNotTakenAway() async throws {
        let path = "/tmp/rr-admin-\(UInt64.random(in: 0 ... .max)).sock"
        let facts = Facts()
        facts.current.withLock { $0 = .serving }
        let server = try await self.start(facts, at: .unix(path: path))
        let error = await #expect(throws: AdminError.self) { try await self.start(facts, at: .unix(path: path)) }
        #expect(error?.description.contains("in use") == true)
        try await ReadinessProbe(.unix(path: path), timeout: .seconds(30)).run()
        await server.stop()
    }

    /// A client that reads nothing. It sends at once: a new connection has but seconds for that, and a test may be slow.
    private static func client(sending text: String, _ host: String, _ port: Int) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeting(ByteBuffer(string: text)))
                }
            }
            .connect(host: host, port: port).get()
    }

    private final class Greeting: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let bytes: ByteBuffer

        init(_ bytes: ByteBuffer) {
            self.bytes = bytes
        }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(self.wrapOutboundOut(self.bytes), promise: nil)
        }
    }

    @Test func aClientThatDoesNotReadHoldsOneAnswer() async throws {
        let facts = Facts()
        facts.current.withLock { $0 = .serving }
        let answers = Mutex(0)
        let metrics: @Sendable () -> PrometheusText = {
            answers.withLock { $0 += 1 }
            var text = PrometheusText()
            // More than the buffers of both ends take.
            text.family("big", .gauge, String(repeating: "x", count: 32 << 20), 1)
            return text
        }
        let address = ListenAddress.tcp(host: "127.0.0.1", port: 0)
        let endpoint = AdminEndpoint(address: address, key: "metrics.address", metrics: metrics)
        let server = try await AdminServer.start([endpoint], idleTimeout: .seconds(60), logger: self.logger)
        guard case .tcp(let host, let port) = try self.address(of: server) else {
            Issue.record("no TCP address")
            return
        }
        let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        let client = try await Self.client(sending: String(repeating: request, count: 100), host, port)
        while answers.withLock({ $0 }) == 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
        // Answered on another connection, after the first one has sent its bytes.
        let other = try await Self.client(sending: request, host, port)
        while answers.withLock({ $0 }) == 1 {
            try await Task.sleep(for: .milliseconds(5))
        }
        let count = answers.withLock { $0 }
        #expect(count == 2)
        try await client.close()
        try await other.close()
        await server.stop()
    }

    @Test func stoppingDoesNotWaitForClients() async throws {
        let server = try await self.start(Facts())
        guard case .tcp(let host, let port) = try self.address(of: server) else {
            Issue.record("no TCP address")
            return
        }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let silent = try await bootstrap.connect(host: host, port: port).get()
        let half = try await bootstrap.connect(host: host, port: port).get()
        try await half.writeAndFlush(ByteBuffer(string: "GET /ready HTTP/1.1\r\nHost:"))
        // Answered over its own connection, so that the two above are accepted.
        try? await ReadinessProbe(.tcp(host: host, port: port), timeout: .seconds(30)).run()
        await server.stop()
        try await silent.closeFuture.get()
        try await half.closeFuture.get()
    }

    /// A connection that was accepted and is not served crashes the process.
    @Test func stoppingWhileClientsConnect() async throws {
        for _ in 0..<30 {
            let server = try await self.start(Facts())
            guard case .tcp(let host, let port) = try self.address(of: server) else {
                Issue.record("no TCP address")
                return
            }
            await withDiscardingTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask { await Self.ask(host, port) }
                }
                // Not ready; but answered, so that the others are at it.
                try? await ReadinessProbe(.tcp(host: host, port: port), timeout: .seconds(30)).run()
                await server.stop()
                group.cancelAll()
            }
        }
    }

    /// Asks again and again, and does not wait for the answers.
    private static func ask(_ host: String, _ port: Int) async {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        while !Task.isCancelled, let client = try? await bootstrap.connect(host: host, port: port).get() {
            try? await client.writeAndFlush(ByteBuffer(string: "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n"))
            try? await client.close()
        }
    }

    @Test func whoSendsNonsenseIsRefusedAndOthersAreServed() async throws {
        let facts = Facts()
        facts.current.withLock { $0 = .serving }
        let server = try await self.start(facts)
        guard case .tcp(let host, let port) = try self.address(of: server) else {
            Issue.record("no TCP address")
            return
        }
        let nonsense = [
            "\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET http://[ HTTP/1.1\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /ready HTTP/9.9\r\n\r\n", "CONNECT x:y HTTP/1.1\r\n\r\n", "GET ://:?:/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /" + String(repeating: "x", count: 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
        ]
        for text in nonsense {
            let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: host, port: port).get()
            try? await client.writeAndFlush(ByteBuffer(string: text))
            try? await client.close()
        }
        try await ReadinessProbe(.tcp(host: host, port: port), timeout: .seconds(30)).run()
        await server.stop()
    }

    @Test func aServiceThatDoesNotAnswerIsNotAwaitedForEver() async throws {
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(silent.localAddress?.port)
        let probe = ReadinessProbe(.tcp(host: "127.0.0.1", port: port), timeout: .seconds(1))
        let failure = await #expect(throws: ReadinessProbe.Failure.self) { try await probe.run() }
        #expect(failure?.description == "no answer from 127.0.0.1:\(port) within 1 s")
        try await silent.close()
    }
}
