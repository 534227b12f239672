import Glibc
import NIOCore
import SystemPackage

/// The TCP sockets of this network namespace, as `/proc/net/tcp` and `/proc/net/tcp6` list them.
enum TCPSocketTable {
    /// The inode of the socket at one end of a connection.
    ///
    /// - Returns: `nil` when there is none here: it is another machine's, say.
    static func inode(of local: SocketAddress, connectedTo remote: SocketAddress) -> String? {
        // Each table is read once: a lazy `compactMap` would look twice, and the socket may be gone at the second time.
        for (path, key) in self.entries(local, remote) {
            if let inode = self.inode(key: key, in: path) {
                return inode
            }
        }
        return nil
    }

    /// In which tables an end of a connection may be, and how its line begins there, behind its number.
    static func entries(_ local: SocketAddress, _ remote: SocketAddress) -> [(path: String, key: String)] {
        let (four, six) = ("/proc/net/tcp", "/proc/net/tcp6")
        guard let localPort = local.port, let remotePort = remote.port else {
            return []
        }
        func key(_ local: String, _ remote: String) -> String {
            "\(local):\(self.hexadecimal(UInt32(localPort), 4)) \(remote):\(self.hexadecimal(UInt32(remotePort), 4)) "
        }
        let (localWords, remoteWords) = (self.words(local), self.words(remote))
        let isMapped = localWords[..<3] == self.prefix[...] && remoteWords[..<3] == self.prefix[...]
        let long = key(self.text(localWords), self.text(remoteWords))
        // A socket of IPv6 may be connected by IPv4, and is in its own table.
        guard isMapped else {
            return [(six, long)]
        }
        return [(four, key(self.text([localWords[3]]), self.text([remoteWords[3]]))), (six, long)]
    }

    /// What makes an IPv4 address one of IPv6: `::ffff:0:0/96`.
    private static let prefix = [0, 0, UInt32(0xFFFF).bigEndian]

    /// An address as IPv6, in words as they are in memory.
    private static func words(_ address: SocketAddress) -> [UInt32] {
        switch address {
        case .v4:
            // Behind family and port.
            self.prefix + self.words(address, at: 4, count: 1)
        case .v6:
            // And behind the flow.
            self.words(address, at: 8, count: 4)
        case .unixDomainSocket:
            [0, 0, 0, 0]
        }
    }

    private static func words(_ address: SocketAddress, at offset: Int, count: Int) -> [UInt32] {
        address.withSockAddr { pointer, _ in
            (0..<count).map { UnsafeRawPointer(pointer).load(fromByteOffset: offset + 4 * $0, as: UInt32.self) }
        }
    }

    private static func text(_ words: some Collection<UInt32>) -> String {
        words.map { self.hexadecimal($0, 8) }.joined()
    }

    private static func hexadecimal(_ number: UInt32, _ digits: Int) -> String {
        let text = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// Looks for a line. The whole table is gone through, as big as it is; but it never is in memory as a whole.
    private static func inode(key: String, in path: String) -> String? {
        guard let file = try? Descriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else {
            return nil
        }
        defer { try? file.close() }
        let key = Array(key.utf8)
        return withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 1) { buffer in
            var filled = 0
            while true {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                guard let count = try? file.read(into: rest), count > 0 else {
                    return nil
                }
                filled += count
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
                guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
                    return nil
                }
                if let inode = self.inode(key: key, in: UnsafeRawBufferPointer(rebasing: bytes[...end])) {
                    return inode
                }
                let begun = bytes[(end + 1)...]
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: begun))
                filled = begun.count
            }
        }
    }

    /// Looks for a line in whole lines.
    static func inode(key: [UInt8], in lines: UnsafeRawBufferPointer) -> String? {
        var rest = lines[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            // "  12: " and both addresses.
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), line[colon...].dropFirst(2).starts(with: key)
            else {
                continue
            }
            // Then: state, queues, timer, retransmissions, user, timeout, inode.
            let words = String(decoding: line[(colon + 2 + key.count)...], as: UTF8.self).split(separator: " ")
            // A socket that nobody holds any more has none.
            return words.count > 6 && words[6] != "0" ? String(words[6]) : nil
        }
        return nil
    }
}
