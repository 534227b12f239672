/// The TCP sockets of this network namespace, as `/proc/net/tcp` and `/proc/net/tcp6` list them.
package enum TCPSocketTable {
    /// One end of a connection.
    package struct End: Sendable, Hashable {
        /// An address as IPv6, in words as they are in memory.
        let words: [UInt32]
        let port: Int

        /// - Parameters:
        ///   - words: As they are in memory: one of IPv4, four of IPv6; an address of any other kind is in no table.
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
    /// - Returns: `nil` when there is none here: it is another machine's, say.
    package static func inode(of local: End, connectedTo remote: End) -> String? {
        // Each table is read once: a lazy `compactMap` would look twice, and the socket may be gone at the second time.
        for (path, key) in self.entries(local, remote) {
            if let inode = self.inode(key: key, in: path) {
                return inode
            }
        }
        return nil
    }

    /// In which tables an end of a connection may be, and how its line begins there, behind its number.
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
        // A socket of IPv6 may be connected by IPv4, and is in its own table.
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

    /// Finds a line in a table of any size, of which only a part is in memory at a time.
    static func inode(key: String, in path: String, of files: SystemFiles = SystemFiles(root: "")) -> String? {
        let key = Array(key.utf8)
        var found: String?
        // A line that has begun, and goes on with the next part.
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
            // A socket that no process holds any more has none.
            return words.count > 6 && words[6] != "0" ? String(words[6]) : nil
        }
        return nil
    }
}
