import Foundation
import Testing

/// The report of the tests' worker about an `inspect` event.
struct Inspection: Decodable {
    /// As it came, byte for byte.
    var context: String
    var body: Data
    var pid: pid_t
    /// The worker's parent process.
    var parent: pid_t
    /// The worker's process group.
    var group: pid_t

    enum CodingKeys: CodingKey {
        case context, body, pid, parent, group
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.context = try values.decode(String.self, forKey: .context)
        self.body = Data(hexadecimal: try values.decode(String.self, forKey: .body))
        self.pid = try values.decode(pid_t.self, forKey: .pid)
        self.parent = try values.decode(pid_t.self, forKey: .parent)
        self.group = try values.decode(pid_t.self, forKey: .group)
    }

    /// The connection's uuid, if the context is exactly what docs/protocol.md says.
    func uuid(server: String, remoteAddress: String) throws -> String {
        let version4 = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
        let start = #"{"remote_addr":"\#(remoteAddress)","server":"\#(server)","uuid":""#
        let end = #"","event":"DATA"}"#
        #expect(self.context.hasPrefix(start))
        #expect(self.context.hasSuffix(end))
        let uuid = String(self.context.dropFirst(start.count).dropLast(end.count))
        _ = try #require(uuid.range(of: "^\(version4)$", options: .regularExpression), "no uuid v4: \(self.context)")
        return uuid
    }
}

extension Client {
    func inspect() throws -> Inspection {
        try JSONDecoder().decode(Inspection.self, from: Data(self.ask("inspect").utf8))
    }
}

extension Data {
    init(hexadecimal text: String) {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        self.init(stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) })
    }
}
