import Addresses
import Foundation
import Logging
import NIOCore
import NIOPosix
import RPC
import Sockets
import Synchronization
import TestSupport
import Testing

@testable import RPCServer

@Suite struct RPCServerTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func server(
        _ address: ListenAddress,
        _ services: [RPCService],
        connections: Int = 100
    ) async throws -> RPCServer {
        try await RPCServer(
            RPCServer.Place(address, mode: 0o600),
            services: services,
            limits: RPCLimits(messageBytes: 1 << 20, connections: connections, calls: 10),
            isMeasured: false,
            group: MultiThreadedEventLoopGroup(numberOfThreads: 1),
            logger: Self.logger
        )
    }

    /// A connection that writes and reads bytes.
    private func connect(_ address: ListenAddress) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let setUp: @Sendable (any Channel) -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> = { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
        }
        return switch address {
        case .tcp(let host, let port): try await bootstrap.connect(host: host, port: port, channelInitializer: setUp)
        case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: setUp)
        }
    }

    private func request(_ id: UInt32, _ name: String, _ argument: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeRPCRequest(
            id: id,
            codec: .json,
            name: ByteBuffer(string: name),
            argument: ByteBuffer(string: argument)
        )
        return buffer
    }

    /// The workers' user may connect by the group's permissions.
    @Test func aUnixSocketBelongsToTheGroupThatIsNamed() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/rpc.sock"
        // Root may give a file to any group, others to one of theirs.
        let group = geteuid() == 0 ? 1 : getegid()
        let server = try await RPCServer(
            RPCServer.Place(.unix(path: path), mode: 0o660, group: group),
            services: [],
            limits: RPCLimits(messageBytes: 1 << 20, connections: 100, calls: 10),
            isMeasured: false,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Self.logger
        )
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_gid == group)
        #expect(status.st_mode & 0o777 == 0o660)
        await server.close()
    }

    @Test func callsAreServedOverBothKindsOfSocket() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/rpc.sock"
        let service = RPCService("who", ["Am": .immediate { ByteBuffer(string: "\($0.caller.processID ?? 0)") }])
        for address in [ListenAddress.unix(path: path), .tcp(host: "127.0.0.1", port: 0)] {
            let server = try await self.server(address, [service])
            let connection = try await self.connect(server.address)
            let reply = try await connection.executeThenClose { input, output in
                try await output.write(self.request(7, "who.Am", "true"))
                var bytes = ByteBuffer()
                for try await part in input {
                    bytes.writeImmutableBuffer(part)
                    if bytes.readableBytes > 26 { break }
                }
                return bytes
            }
            let caller = address.isTCP ? 0 : getpid()
            #expect(String(buffer: reply).hasSuffix("who.Am\(caller)"))
            await server.close()
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    /// A caller that does not read is not read from either: what it asks for is bounded.
    @Test func aCallerThatDoesNotReadWaits() async throws {
        let directory = try TemporaryDirectory()
        let count = Mutex(0)
        let result = ByteBuffer(repeating: UInt8(ascii: "x"), count: 16_000)
        let service = RPCService(
            "big",
            [
                "Get": .immediate { _ in
                    count.withLock { $0 += 1 }
                    return result
                }
            ]
        )
        let server = try await self.server(.unix(path: "\(directory.path)/rpc.sock"), [service])
        let connection = try await self.connect(server.address)
        let calls = 20_000
        try await connection.executeThenClose { input, output in
            async let written: Void = {
                for id in 0..<calls {
                    try await output.write(self.request(UInt32(id), "big.Get", "true"))
                }
            }()
            // Until all that the sockets and the server's buffers take is served.
            var last = -1
            while last != count.withLock({ $0 }) || last == 0 {
                last = count.withLock { $0 }
                try await Task.sleep(for: .milliseconds(300))
            }
            #expect(last < calls / 2)
            var received = 0
            for try await part in input {
                received += part.readableBytes
                if received == calls * (20 + 7 + 16_000) { break }
            }
            try await written
            #expect(count.withLock { $0 } == calls)
        }
        await server.close()
    }

    @Test func tooManyConnectionsWait() async throws {
        let directory = try TemporaryDirectory()
        let server = try await self.server(
            .unix(path: "\(directory.path)/rpc.sock"),
            [RPCService("echo", ["It": .immediate { $0.argument }])],
            connections: 1
        )
        let connections = 3 * RPCServer.batch
        let open = try await withThrowingTaskGroup(of: NIOAsyncChannel<ByteBuffer, ByteBuffer>.self) { group in
            for _ in 0..<connections {
                group.addTask { try await self.connect(server.address) }
            }
            var open: [NIOAsyncChannel<ByteBuffer, ByteBuffer>] = []
            for try await connection in group { open.append(connection) }
            return open
        }
        #expect(server.snapshot.connections <= 1 + RPCServer.batch)
        // Each gets its turn as others close.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for connection in open {
                group.addTask {
                    try await connection.executeThenClose { input, output in
                        try await output.write(self.request(1, "echo.It", "true"))
                        for try await _ in input { break }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(server.snapshot.accepted == UInt64(connections))
        await server.close()
    }

    @Test func anAddressThatIsTakenIsNamed() async throws {
        let server = try await self.server(.tcp(host: "127.0.0.1", port: 0), [])
        let error = await #expect(throws: RPCServerError.self) { _ = try await self.server(server.address, []) }
        let text = error?.description ?? ""
        #expect(text.hasPrefix("cannot listen on \(server.address.url) (rpc.listen): Address already in use"))
        await server.close()
    }
}
