import Foundation

/// A connection to the RPC of `rr`, with frames written by hand.
struct RPCConnection {
    struct Reply: Hashable {
        var id: UInt32
        var flags: UInt8
        var method: String
        /// What follows the method's name.
        var body: Data

        var text: String { self.body.text }
    }

    static let json: UInt8 = 0x08
    static let error: UInt8 = 0x40

    let client: Client

    init(_ endpoint: Endpoint) throws {
        self.client = try Client(endpoint)
    }

    func send(_ method: String, _ argument: String, id: UInt32 = 1, flags: UInt8 = Self.json) throws {
        let payload = Data((method + argument).utf8)
        var frame = Data([0x15, flags])
        frame.append(Self.bytes(UInt32(payload.count)))
        frame.append(Self.bytes(Self.checksum(frame)))
        frame.append(contentsOf: [0, 0])
        frame.append(Self.bytes(id))
        frame.append(Self.bytes(UInt32(method.utf8.count)))
        try self.client.send(frame + payload)
    }

    func reply() throws -> Reply {
        let header = try self.client.read(20)
        func number(_ offset: Int) -> UInt32 {
            header.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        let payload = try self.client.read(Int(number(2)))
        return Reply(
            id: number(12),
            flags: header[header.startIndex + 1],
            method: payload.prefix(Int(number(16))).text,
            body: Data(payload.dropFirst(Int(number(16))))
        )
    }

    /// Calls a method and waits.
    ///
    /// - Returns: The result, or `ERROR: ` and the text of an error.
    func call(_ method: String, _ argument: String) throws -> String {
        try self.send(method, argument)
        let reply = try self.reply()
        return (reply.flags & Self.error == 0 ? "" : "ERROR: ") + reply.text
    }

    private static func bytes(_ number: UInt32) -> Data {
        withUnsafeBytes(of: number.littleEndian) { Data($0) }
    }

    /// CRC-32 of a few bytes, bit by bit.
    private static func checksum(_ bytes: Data) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 {
                crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1
            }
        }
        return ~crc
    }

    /// Text in hexadecimal as bytes.
    static func bytes(_ hexadecimal: String) -> Data {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return Data(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }
}

extension Settings {
    /// With RPC at an endpoint.
    func withRPC(at endpoint: Endpoint, more: String = "") -> Settings {
        var settings = self
        let scheme = endpoint.port == nil ? "" : "tcp://"
        settings.more += "\nrpc:\n  listen: \(scheme)\(endpoint.address)\n\(more)"
        return settings
    }
}
