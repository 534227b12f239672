import Glibc
import NIOCore
import Sockets
import Testing

@testable import WorkerProcess

@Suite struct RelayPeerTests {
    @Test("A line of the table is found by both ends, and tells the inode")
    func line() throws {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0
               1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534        0 22 1 0 20 4
               2: 0100007F:C351 0100007F:1F90 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0

            """
        func inode(_ key: String) -> String? {
            Array(table.utf8).withUnsafeBytes { TCPSocketTable.inode(key: Array(key.utf8), in: $0) }
        }
        #expect(inode("0100007F:C350 0100007F:1F90 ") == "22")
        #expect(inode("0100007F:1F90 0100007F:C350 ") == nil, "the other end is another socket")
        #expect(inode("0100007F:C351 0100007F:1F90 ") == nil, "nobody holds it any more")
    }

    @Test("An address is written as the kernel does, in each table where it may be")
    func keys() throws {
        let (one, two) = (UInt32(0x7F00_0001).bigEndian, UInt32(0xFFFF).bigEndian)
        func hexadecimal(_ word: UInt32) -> String {
            let text = String(word, radix: 16, uppercase: true)
            return String(repeating: "0", count: 8 - text.count) + text
        }
        let local = try SocketAddress(ipAddress: "127.0.0.1", port: 0x1F90)
        let remote = try SocketAddress(ipAddress: "::ffff:127.0.0.1", port: 0x50)
        let entries = TCPSocketTable.entries(local, remote)
        let short = hexadecimal(one)
        let long = "0000000000000000" + hexadecimal(two) + short
        #expect(entries.map(\.path) == ["/proc/net/tcp", "/proc/net/tcp6"])
        #expect(entries.map(\.key) == ["\(short):1F90 \(short):0050 ", "\(long):1F90 \(long):0050 "])
        let six = try SocketAddress(ipAddress: "::1", port: 1)
        #expect(TCPSocketTable.entries(six, six).map(\.path) == ["/proc/net/tcp6"])
    }

    @Test("The lineage of a process has its group and its parents, but not this process")
    func lineage() throws {
        let own = getpid()
        #expect(!ProcessLineage(of: own).processes.contains(own))
        let parent = ProcessLineage(of: own).processes.contains(getppid())
        #expect(parent || getppid() <= 1)
        #expect(ProcessLineage(of: .max).processes.isEmpty)
        #expect(!ProcessLineage.isLivingChild(own) && !ProcessLineage.isLivingChild(getppid()))
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
            of: try SocketAddress.local(of: client),
            connectedTo: try SocketAddress.remote(of: client)
        )
        var status = stat()
        try #require(fstat(client, &status) == 0)
        #expect(inode == "\(status.st_ino)")
        // Held by this process, which is nobody's worker; process 1 is none either, whether it may be looked at or not.
        #expect(RelayPeer(descriptor: accepted).belongs(to: 1, claimed: getppid()) != .belongs)
    }
}
