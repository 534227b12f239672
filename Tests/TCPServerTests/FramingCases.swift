import NIOCore
import Testing

@testable import TCPServer

/// A protocol, how it is framed, and whole packets of it.
struct FramingCase: CustomTestStringConvertible {
    var name: String
    var rule: PacketFraming.Rule
    var packets: [[UInt8]]
    /// What the rule skips between any two packets.
    var noise: [UInt8] = []

    var testDescription: String { self.name }

    init(_ name: String, _ rule: PacketFraming.Rule, _ packets: [[UInt8]], noise: [UInt8] = []) {
        self.name = name
        self.rule = rule
        self.packets = packets
        self.noise = noise
    }

    private static func text(_ texts: String...) -> [[UInt8]] {
        texts.map { Array($0.utf8) }
    }

    private static func binary(_ size: UInt8, offset: Int = 0, add: Int? = nil, little: Bool = false)
        -> PacketFraming.Rule
    {
        .length(LengthField(.binary(size: size, isLittleEndian: little), offset: offset, add: add))
    }

    private static func marked(_ end: [UInt8], start: [UInt8]? = nil, trailer: Int = 0) -> PacketFraming.Rule {
        .marked(PacketMarks(.one(Delimiter(end)), start: start, trailer: trailer))
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    }

    static let gt06 = PacketFraming.Rule.starts(
        StartRules([
            .init(starts: [0x78, 0x78], Self.binary(1, offset: 2, add: 5)),
            .init(starts: [0x79, 0x79], Self.binary(2, offset: 2, add: 6)),
        ])
    )
    static let teltonika = PacketFraming.Rule.starts(
        StartRules([
            .init(starts: [0xFF], .fixed(1)),
            .init(starts: [0, 0, 0, 0], Self.binary(4, offset: 4, add: 12)),
            .init(starts: [], Self.binary(2, offset: 0, add: 2)),
        ])
    )
    static let h02 = PacketFraming.Rule.starts(
        StartRules([
            .init(starts: [0x2A], .marked(PacketMarks(.one(Delimiter([0x23])), searchFrom: 1))),
            .init(starts: [0x24], .fixed(32)),
        ])
    )
    static let meitrack = PacketFraming.Rule.length(LengthField(.digitsUntil(0x2C, base: 10), offset: 3, add: 3))
    static let netstring = PacketFraming.Rule.length(LengthField(.digitsUntil(0x3A, base: 10), add: 2))
    static let mqtt = PacketFraming.Rule.length(LengthField(.varint, offset: 1))

    /// Every protocol whose packets end at a certain place, whatever came with them.
    static let all: [FramingCase] = [
        FramingCase(
            "Modbus/TCP", binary(2, offset: 4, add: 6),
            [
                [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2], [0, 2, 0, 0, 0, 2, 1, 3], [0, 3, 0, 0, 0, 0],
            ]),
        FramingCase(
            "SMPP", binary(4, add: 0), [[0, 0, 0, 16] + bytes(12), [0, 0, 0, 4], [0, 0, 1, 0] + bytes(252)]),
        FramingCase("ISO 8583, u16", binary(2), [[0, 4] + Array("0800".utf8), [0, 0], [1, 0] + bytes(256)]),
        FramingCase(
            "ISO 8583, 4 digits", .length(LengthField(.digits(size: 4, base: 10))),
            text("00040800", "0000", "0012012345678901")),
        FramingCase(
            "ISO 8583, 4 hex digits", .length(LengthField(.digits(size: 4, base: 16))),
            text("00040800", "000Fabcdefghijklmno", "000a0123456789")),
        FramingCase("ISO 8583, CR", .split(Delimiter([13])), text("0800\r", "\r", "0810xyz\r")),
        FramingCase("ISO 8583, CR LF", .split(Delimiter([13, 10])), text("0800\r\n", "\r\n", "0810\rxyz\r\n")),
        FramingCase("ISO 8583, LF", .split(Delimiter([10])), text("0800\n", "\n")),
        FramingCase(
            "ISO 8583, STX…ETX", marked([3], start: [2]), [[2] + Array("0800".utf8) + [3], [2, 3], [2, 2, 65, 3]],
            noise: [65, 3, 66]),
        FramingCase(
            "GT06", gt06,
            [
                // The end marks are inside as well.
                [0x78, 0x78, 0x05, 0x01, 0x0D, 0x0A, 0x00, 0x01, 0x0D, 0x0A],
                [0x79, 0x79, 0x00, 0x04, 0x0D, 0x0A, 0x01, 0x02, 0x0D, 0x0A],
                [0x78, 0x78, 0x01, 0x13, 0x0D, 0x0A],
            ]),
        FramingCase(
            "Teltonika", teltonika,
            [
                [0xFF], [0x00, 0x0F] + Array("352093081452251".utf8), [0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 9, 9, 9, 9],
                [0xFF],
            ]),
        FramingCase(
            "TK103", marked([0x29], start: [0x28]), text("(013612345678BP05)", "()", "(a$b)"), noise: [13, 10]),
        FramingCase("H02", h02, [Array("*HQ,4109198974,V1#".utf8), [0x24] + bytes(31), [0x2A, 0x23]]),
        FramingCase("Queclink, $", .split(Delimiter([0x24])), text("+RESP:GTFRI,1$", "+ACK$")),
        FramingCase("Queclink, NUL", .split(Delimiter([0])), text("+RESP:GTFRI,1\0", "\0")),
        FramingCase(
            "JT/T 808", marked([0x7E], start: [0x7E]),
            [
                [0x7E, 0x02, 0x7D, 0x02, 0x7D, 0x01, 0x7E], [0x7E, 0x01, 0x7E],
            ], noise: [1, 2, 3]),
        FramingCase("Meitrack", meitrack, text("$$A5,ABC\n", "$$B1,", "$$C12,0123456789\n")),
        FramingCase("MQTT", mqtt, [[0xC0, 0], [0x30, 0x80, 0x01] + bytes(128), [0x10, 3, 1, 2, 3]]),
        FramingCase(
            "Protobuf delimited", .length(LengthField(.varint)), [[0], [3, 1, 2, 3], [0xAC, 0x02] + bytes(300)]),
        FramingCase("DNS over TCP", binary(2), [[0, 12] + bytes(12), [0, 1, 9]]),
        FramingCase("Kafka", binary(4), [[0, 0, 0, 3, 1, 2, 3], [0, 0, 0, 0]]),
        FramingCase(
            "AMQP 0-9-1", binary(4, offset: 3, add: 8),
            [[1, 0, 0, 0, 0, 0, 2, 7, 7, 0xCE], [8, 0, 0, 0, 0, 0, 0, 0xCE]]),
        FramingCase(
            "MySQL", binary(3, add: 4, little: true),
            [[3, 0, 0, 0, 1, 2, 3], [0, 0, 0, 1], [0, 1, 0, 2] + bytes(256)]),
        FramingCase("PostgreSQL", binary(4, offset: 1, add: 1), [[0x51, 0, 0, 0, 6, 59, 0], [0x53, 0, 0, 0, 4]]),
        FramingCase("Diameter", binary(3, offset: 1, add: 0), [[1, 0, 0, 20] + bytes(16), [1, 0, 0, 4]]),
        FramingCase("TPKT", binary(2, offset: 2, add: 0), [[3, 0, 0, 7, 2, 0xF0, 0x80], [3, 0, 0, 4]]),
        FramingCase("IEC 104", binary(1, offset: 1, add: 2), [[0x68, 4, 7, 0, 0, 0], [0x68, 0]]),
        FramingCase("MongoDB", binary(4, add: 0, little: true), [[16, 0, 0, 0] + bytes(12), [5, 0, 0, 0, 1]]),
        FramingCase("a game, LE counts itself", binary(2, add: 0, little: true), [[2, 0], [5, 0, 1, 2, 3]]),
        FramingCase("a game, LE", binary(2, add: 2, little: true), [[0, 0], [3, 0, 1, 2, 3]]),
        FramingCase("a u64 length", binary(8), [[0, 0, 0, 0, 0, 0, 0, 2, 1, 2]]),
        FramingCase(
            "HL7 MLLP", marked([0x1C, 0x0D], start: [0x0B]),
            [[0x0B, 77, 83, 72, 13, 0x1C, 0x0D], [0x0B, 0x1C, 0x1C, 0x0D]], noise: [0x0D, 0x0A]),
        FramingCase("NMEA", marked([13, 10], start: [0x24]), text("$GPGGA,1*76\r\n", "$\r\n"), noise: [10]),
        FramingCase("STOMP", .split(Delimiter([0])), text("SEND\n\nx\0", "\0")),
        FramingCase("netstring", netstring, text("5:hello,", "0:,", "12:hello, world,")),
        FramingCase("a POS terminal", marked([3], trailer: 1), [[2, 65, 3, 3], [2, 3, 0]]),
        FramingCase("ASTM", marked([13, 10], start: [2], trailer: 0), [[2, 65, 3, 48, 49, 13, 10]], noise: [5]),
        FramingCase(
            "STX…ETX and 2 bytes", marked([3], start: [2], trailer: 2), [[2, 65, 3, 2, 3], [2, 3, 3, 2]], noise: [0]),
        FramingCase("fixed", .fixed(23), [bytes(23), [UInt8](repeating: 10, count: 23)]),
        FramingCase(
            "several of one length", .marked(PacketMarks(.any(DelimiterSet([[10], [59], [0]])))),
            text("a\n", "b;", "\0", "\n")),
        FramingCase(
            "several of any kind",
            .marked(PacketMarks(.any(DelimiterSet([Array("</fox>".utf8), Array("##".utf8), Array("</f;".utf8)])))),
            text("a</fox>", "</</f;", "#x##", "</fo##")),
    ]
}

/// What a framer makes of a stream.
struct Cut: Equatable {
    enum End {
        case open, tooLarge, malformed
    }

    var packets: [[UInt8]] = []
    var skipped = 0
    var rest: [UInt8] = []
    var end = End.open

    /// - Parameter pieces: The reads in which the stream comes.
    init(_ pieces: [[UInt8]], _ rule: PacketFraming.Rule, limit: Int = 1 << 20) {
        let framing = PacketFraming(rule, maximumPacketSize: limit)
        var framer = PacketFramer()
        var count = 0
        for piece in pieces {
            framer.append(ByteBuffer(bytes: piece))
            framer.compact()
            count += piece.count
            reading: while true {
                let result = framer.next(framing)
                switch result {
                case .incomplete: break reading
                case .packet(let packet):
                    precondition(packet.readableBytes > 0 && packet.readableBytes <= limit)
                    self.packets.append(Array(packet.readableBytesView))
                case .skipped(let count):
                    precondition(count > 0)
                    self.skipped += count
                case .tooLarge, .malformed:
                    self.end = result == .tooLarge ? .tooLarge : .malformed
                    self.rest = Array(framer.takeRest()?.readableBytesView ?? ByteBuffer().readableBytesView)
                    return
                }
            }
        }
        self.rest = framer.takeRest().map { Array($0.readableBytesView) } ?? []
    }
}
