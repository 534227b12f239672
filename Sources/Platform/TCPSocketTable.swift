/// The TCP sockets of this network namespace, as `/proc/net/tcp` and `/proc/net/tcp6` list them.
package enum TCPSocketTable {
    /// One end of a connection.
    package struct End: Sendable, Hashable {
        /// An address as IPv6, in words as they are in memory.
        let words: [UInt32]
        let port: Int

        /// - Parameters:
        ///   - words: As in memory: one for IPv4, four for IPv6; addresses of other kinds are in no table.
        ///   - port: Less than 65,536.
        package init(words: [UInt32], port: Int) {
            self.words = words.count == 1 ? TCPSocketTable.prefix + words : words
            self.port = port
        }

        fileprivate var isIPv4: Bool { self.words.starts(with: TCPSocketTable.prefix) }
    }

    /// The first words of an IPv4 address as one of IPv6: `::ffff:0:0/96`.
    private static let prefix = [0, 0, UInt32(0xFFFF).bigEndian]

    /// The inode of the socket at one end of a connection.
    ///
    /// - Returns: `nil` if there is none, such as for another machine's socket.
    package static func inode(of local: End, connectedTo remote: End) -> String? {
        // A lazy `compactMap` would search each table twice, and the socket might be gone the second time.
        for (path, key) in self.entries(local, remote) {
            if let inode = self.inode(key: key, in: path) {
                return inode
            }
        }
        return nil
    }

    /// The tables that may list an end of a connection, and the start of its line there, after the line's number.
    static func entries(_ local: End, _ remote: End) -> [(path: String, key: String)] {
        let (four, six) = ("/proc/net/tcp", "/proc/net/tcp6")
        guard local.words.count == 4, remote.words.count == 4 else {
            return []
        }
        func key(_ count: Int) -> String {
            [local, remote].map { end in
                "\(self.text(end.words.suffix(count))):\(self.hexadecimal(UInt32(clamping: end.port), 4)) "
            }.joined()
        }
        // An IPv6 socket may be connected over IPv4, and is still in the table of IPv6.
        guard local.isIPv4, remote.isIPv4 else {
            return [(six, key(4))]
        }
        return [(four, key(1)), (six, key(4))]
    }

    private static func text(_ words: some Collection<UInt32>) -> String {
        words.map { self.hexadecimal($0, 8) }.joined()
    }

    private static func hexadecimal(_ number: UInt32, _ digits: Int) -> String {
        let text = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// The bytes of a table that are read at once; no line is as long.
    private static let part = 64 << 10

    /// Finds a line in a table of any size, with only a part of it in memory at a time.
    static func inode(key: String, in path: String, of files: SystemFiles = SystemFiles(root: "")) -> String? {
        let key = Array(key.utf8)
        var found: String?
        // An incomplete line, which the next part continues.
        var begun: [UInt8] = []
        _ = files.read(path, chunk: Self.part) { part in
            begun.append(contentsOf: part)
            guard let end = begun.lastIndex(of: UInt8(ascii: "\n")) else {
                return begun.count < Self.part
            }
            found = begun.withUnsafeBytes { self.inode(key: key, in: UnsafeRawBufferPointer(rebasing: $0[...end])) }
            begun.removeSubrange(...end)
            return found == nil
        }
        return found
    }

    /// Finds a line among whole lines.
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
            // A socket that no process holds any more has no inode.
            return words.count > 6 && words[6] != "0" ? String(words[6]) : nil
        }
        return nil
    }
}
