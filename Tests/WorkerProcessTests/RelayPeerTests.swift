import Glibc
import NIOCore
import Platform
import Sockets
import Testing

@testable import WorkerProcess

@Suite struct RelayPeerTests {
    @Test("An address of each family becomes an end as the kernel's tables have it")
    func addresses() throws {
        let loopback = UInt32(0x7F00_0001).bigEndian
        let four = try SocketAddress(ipAddress: "127.0.0.1", port: 0x1F90)
        #expect(TCPSocketTable.End(four) == .init(words: [loopback], port: 0x1F90))
        let mapped = try SocketAddress(ipAddress: "::ffff:127.0.0.1", port: 80)
        #expect(TCPSocketTable.End(mapped) == .init(words: [loopback], port: 80))
        let six = try SocketAddress(ipAddress: "::1", port: 65535)
        #expect(TCPSocketTable.End(six) == .init(words: [0, 0, 0, UInt32(1).bigEndian], port: 65535))
    }

    @Test("Both ends of a connection are told apart from those of others")
    func connections() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            close(listener)
            close(client)
        }
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        try #require(any.withSockAddr { bind(listener, $0, socklen_t($1)) } == 0 && listen(listener, 1) == 0)
        let address = try SocketAddress.local(of: listener)
        try #require(address.withSockAddr { connect(client, $0, socklen_t($1)) } == 0)
        let accepted = accept(listener, nil, nil)
        defer { close(accepted) }
        let inode = TCPSocketTable.inode(
            of: .init(try SocketAddress.local(of: client)),
            connectedTo: .init(try SocketAddress.remote(of: client))
        )
        var status = stat()
        try #require(fstat(client, &status) == 0)
        #expect(inode == "\(status.st_ino)")
        // Held by this process, which is not a worker; nor is process 1, whether it may be examined or not.
        #expect(RelayPeer(descriptor: accepted).belongs(to: 1, claimed: getppid()) != .belongs)
    }
}
