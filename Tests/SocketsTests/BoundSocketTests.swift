import Addresses
import Glibc
import NIOCore
import Sockets
import Testing

@Suite struct BoundSocketTests {
    private static let options = BoundSocket.Options(backlog: 16)

    private let path = "/tmp/rr-socket-\(UInt64.random(in: 0 ... .max)).sock"

    private func bind(mode: UInt32? = nil) throws -> BoundSocket {
        var options = Self.options
        options.mode = mode
        return try BoundSocket.bind([SocketAddress(unixDomainSocketPath: self.path)], options)
    }

    private var mode: UInt32? {
        var status = stat()
        return lstat(self.path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    /// Leaves the file of a socket without a listener.
    private func leaveStaleFile() throws {
        let address = try SocketAddress(unixDomainSocketPath: self.path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(address.withSockAddr { systemBind(descriptor, $0, socklen_t($1)) } == 0)
        close(descriptor)
    }

    @Test func aStaleFileIsReplacedAndOneInUseIsNot() throws {
        try self.leaveStaleFile()
        let first = try self.bind()
        let error = #expect(throws: IOError.self) { try self.bind() }
        #expect(error?.errnoCode == EADDRINUSE)
        first.close()
        #expect(self.mode == nil)
        try self.bind().close()
    }

    @Test func whatIsNoSocketStays() throws {
        let descriptor = open(self.path, O_CREAT | O_WRONLY, 0o600)
        close(descriptor)
        defer { unlink(self.path) }
        let error = #expect(throws: IOError.self) { try self.bind() }
        #expect(error?.errnoCode == EEXIST)
        #expect(self.mode == 0o600)
    }

    @Test func onlyOurOwnFileIsRemoved() throws {
        let first = try self.bind()
        let file = try #require(first.file)
        // As an operator may do.
        try #require(unlink(self.path) == 0)
        let second = try self.bind()
        file.remove()
        #expect(self.mode != nil, "it is another's")
        first.close()
        #expect(self.mode != nil)
        second.close()
        #expect(self.mode == nil)
    }

    @Test func ofManyThatStartAtTheSameTimeOneListens() async throws {
        for _ in 0..<50 {
            try self.leaveStaleFile()
            let sockets = await withTaskGroup(of: BoundSocket?.self) { group in
                for _ in 0..<8 {
                    group.addTask { try? self.bind() }
                }
                return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
            }
            #expect(sockets.count == 1)
            // The one that listens has the path.
            let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            let address = try SocketAddress(unixDomainSocketPath: self.path)
            #expect(address.withSockAddr { connect(client, $0, socklen_t($1)) } == 0)
            close(client)
            for socket in sockets {
                socket.close()
            }
        }
    }

    @Test func aDirectoryThatAnotherHoldsIsNoObstacleAndBlocksNobody() async throws {
        let directory = "/tmp/rr-socket-\(UInt64.random(in: 0 ... .max))"
        try #require(mkdir(directory, 0o700) == 0)
        defer { rmdir(directory) }
        // As any process that may read the directory can.
        let lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try #require(flock(lock, LOCK_EX) == 0)
        defer { close(lock) }
        let addresses = try (0..<32).map { try SocketAddress(unixDomainSocketPath: "\(directory)/\($0)") }
        try await withThrowingTaskGroup(of: BoundSocket?.self) { group in
            for address in addresses {
                group.addTask { try await BoundSocket.bind([address], Self.options, besides: []) }
            }
            group.addTask { nil }
            let first = try await group.next()
            #expect(first.flatMap(\.self) == nil, "whoever waits for the lock holds no thread that tasks share")
            for try await socket in group {
                #expect(socket?.lockFailure?.errnoCode == EWOULDBLOCK)
                socket?.close()
            }
        }
        try #require(flock(lock, LOCK_UN) == 0)
        let socket = try BoundSocket.bind([addresses[0]], Self.options)
        #expect(socket.lockFailure == nil)
        socket.close()
    }

    @Test func theModeIsThatOfTheFileAndCanChange() throws {
        let socket = try self.bind(mode: 0o620)
        defer { socket.close() }
        #expect(self.mode == 0o620)
        let file = try #require(socket.file)
        try file.setMode(0o666)
        #expect(self.mode == 0o666)
        try file.setMode(nil)
        let byUmask = self.mode
        let plain = BoundSocketTests()
        let other = try plain.bind()
        defer { other.close() }
        #expect(byUmask == plain.mode)
    }

    @Test(arguments: [
        ("::", "127.0.0.1", true), ("::", "::1", true), ("::", "0.0.0.0", true), ("0.0.0.0", "127.0.0.1", true),
        ("0.0.0.0", "::1", false), ("0.0.0.0", "::", false), ("127.0.0.1", "0.0.0.0", false),
        ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false),
    ])
    func anAddressCoversOthers(one: String, other: String, covers: Bool) throws {
        let (one, other) = (
            try SocketAddress(ipAddress: one, port: 80), try SocketAddress(ipAddress: other, port: 80)
        )
        #expect(one.covers(other) == covers)
        let elsewhere = try SocketAddress(ipAddress: "0.0.0.0", port: 81)
        #expect(!one.conflicts(with: elsewhere) && !elsewhere.conflicts(with: one))
    }

    @Test func aNameIsResolvedAndALookUpCanBeCancelled() async throws {
        let local = try await ListenAddress.tcp(host: "localhost", port: 80).resolved()
        #expect(local == [try SocketAddress(ipAddress: "127.0.0.1", port: 80)])
        await #expect(throws: ListenAddress.UnknownHost.self) {
            try await ListenAddress.tcp(host: "no such host", port: 80).resolved()
        }
        let task = Task { try await ListenAddress.tcp(host: "host.invalid", port: 80).resolved() }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
    }
}

private func systemBind(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
    bind(descriptor, address, length)
}
