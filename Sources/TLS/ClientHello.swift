/// What a client's first bytes are, as far as they have come: no I/O, and nothing of it is trusted.
///
/// The library reads the same bytes again. This reader is before it because it tells the name that the client wants, by
/// which the certificate is chosen, and knows other protocols.
package enum ClientHello: Hashable, Sendable {
    /// More bytes are needed: there is nothing new to see before there are so many.
    case incomplete(until: Int)
    /// - Parameter serverName: The name that the client wants, in lower case; `nil` if it names none.
    case complete(serverName: String?)
    /// No TLS; what it is instead, in words.
    case foreign(String)

    /// The most bytes that a hello may take; the library refuses a longer one, too.
    package static let mostBytes = 18 * 1024

    /// - Parameter bytes: All that the client has sent.
    package init(_ bytes: some Collection<UInt8>) {
        guard let first = bytes.first else {
            self = .incomplete(until: 1)
            return
        }
        guard first == Self.handshakeRecord else {
            self = .foreign(Self.name(ofOther: bytes))
            return
        }
        var records = ByteReader(bytes)
        var message: [UInt8] = []
        var wanted = Self.recordHeader
        while let type = records.byte(), let version = records.number(2), let length = records.number(2) {
            guard type == Self.handshakeRecord, version >> 8 == 3, 1...Self.longestRecord ~= length else {
                self = .foreign("the client sent a broken hello")
                return
            }
            message += records.rest.prefix(length)
            if let hello = Self.hello(message) {
                self = hello
                return
            }
            wanted += length
            guard records.skip(length) else { break }
            wanted += Self.recordHeader
        }
        self = bytes.count > Self.mostBytes ? .foreign("the client's hello is too long") : .incomplete(until: wanted)
    }

    private static let handshakeRecord: UInt8 = 22
    /// Its type, version and length.
    private static let recordHeader = 5
    private static let longestRecord = 1 << 14

    /// - Parameter message: The handshake's bytes so far, without the headers of records.
    /// - Returns: `nil` while it is incomplete.
    private static func hello(_ message: [UInt8]) -> ClientHello? {
        var reader = ByteReader(message)
        guard let type = reader.byte() else { return nil }
        guard type == 1 else { return .foreign("the client did not begin with a hello") }
        guard let length = reader.number(3) else { return nil }
        guard length <= self.mostBytes else { return .foreign("the client's hello is too long") }
        guard let body = reader.take(length) else { return nil }
        return .complete(serverName: self.serverName(in: body))
    }

    /// `nil`, too, if the hello is malformed: the library says what is wrong with it.
    private static func serverName(in body: ArraySlice<UInt8>) -> String? {
        var reader = ByteReader(body)
        // The version and the random bytes; then session, cipher suites and compression methods.
        guard reader.skip(2 + 32), reader.vector(1) != nil, reader.vector(2) != nil, reader.vector(1) != nil,
            let extensions = reader.vector(2)
        else { return nil }
        reader = ByteReader(extensions)
        while let type = reader.number(2), let content = reader.vector(2) {
            guard type == 0 else { continue }
            var list = ByteReader(content)
            guard let names = list.vector(2) else { return nil }
            list = ByteReader(names)
            while let kind = list.byte(), let name = list.vector(2) {
                if kind == 0 {
                    return self.text(name)
                }
            }
        }
        return nil
    }

    /// A host's name is ASCII (RFC 6066, 3).
    private static func text(_ name: ArraySlice<UInt8>) -> String? {
        guard (1...255).contains(name.count), name.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(decoding: name, as: UTF8.self).lowercased()
    }

    private static let otherProtocols: [(start: String, name: String)] =
        ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ", "PATCH ", "PRI "].map { ($0, "HTTP") }
        + ["SSH-"].map { ($0, "SSH") } + ["EHLO ", "HELO "].map { ($0, "SMTP") }
        + ["PROXY ", "\r\n\r\n\0\r\nQUIT\n"].map { ($0, "the PROXY protocol") }

    private static func name(ofOther bytes: some Collection<UInt8>) -> String {
        let known = self.otherProtocols.first { bytes.starts(with: $0.start.utf8) }
        return known.map { "the client spoke \($0.name)" } ?? "the client did not speak TLS"
    }
}

/// Reads bytes from the front; every method returns `nil`, or `false`, if there are too few.
struct ByteReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: some Collection<UInt8>) {
        self.rest = Array(bytes)[...]
    }

    init(_ bytes: ArraySlice<UInt8>) {
        self.rest = bytes
    }

    mutating func byte() -> UInt8? {
        self.rest.popFirst()
    }

    /// A number of at most four bytes, the highest one first.
    mutating func number(_ size: Int) -> Int? {
        self.take(size)?.reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= self.rest.count else { return nil }
        defer { self.rest = self.rest.dropFirst(count) }
        return self.rest.prefix(count)
    }

    mutating func skip(_ count: Int) -> Bool {
        self.take(count) != nil
    }

    /// Bytes behind their length, which has so many bytes.
    mutating func vector(_ size: Int) -> ArraySlice<UInt8>? {
        self.number(size).flatMap { self.take($0) }
    }
}
