import Addresses
import YAML

extension SettingsReader {
    /// What the servers of a file share unless they say otherwise.
    private struct ServerDefaults {
        var readBufferSize: Int
        var maxPacketSize: Int
    }

    /// The most servers; each is compared with each.
    private static let mostServers = 1000

    /// - Returns: settings that may lack servers: the caller decides when that is an error.
    func tcp(from reader: inout SectionReader) throws(ConfigurationError) -> TCPSettings {
        let defaults = ServerDefaults(
            readBufferSize: try readBufferSize(from: &reader, default: TCPServerSettings.defaultReadBufferSize),
            maxPacketSize: try maxPacketSize(from: &reader, default: TCPServerSettings.defaultMaxPacketSize)
        )
        let servers = try reader.sectionOrEmpty("servers") { reader throws(ConfigurationError) in
            try self.servers(from: &reader, defaults: defaults)
        }
        let maxPending = try reader.integer("max_pending", default: TCPSettings.defaultMaxPending, in: 0...1 << 20)
        let pool = try reader.sectionOrEmpty("pool") { reader throws(ConfigurationError) in
            try self.pool(from: &reader)
        }
        return TCPSettings(servers: servers, maxPending: maxPending, pool: pool)
    }

    private func servers(
        from reader: inout SectionReader,
        defaults: ServerDefaults
    ) throws(ConfigurationError) -> [TCPServerSettings] {
        guard reader.source.entries.count <= Self.mostServers else {
            throw reader.place.error(
                .outOfRange,
                "\(reader.source.entries.count) servers are too many",
                key: reader.path,
                fix: "use at most \(Self.mostServers)"
            )
        }
        var servers: [TCPServerSettings] = []
        for name in reader.source.entries.map(\.key).sorted() {
            guard !name.isEmpty else {
                throw reader.place.error(.invalidValue, "the name of a server is empty", key: reader.path)
            }
            servers.append(
                try reader.sectionOrEmpty(name) { reader throws(ConfigurationError) in
                    try self.server(named: name, from: &reader, defaults: defaults)
                }
            )
        }
        return servers
    }

    private func server(
        named name: String,
        from reader: inout SectionReader,
        defaults: ServerDefaults
    ) throws(ConfigurationError) -> TCPServerSettings {
        guard let address = try reader.address("addr") else {
            let place = reader.source["addr"]?.keyPlace ?? reader.place
            throw place.error(
                .missingValue,
                "empty address for the server: \(name)",
                key: reader.path("addr"),
                fix: "use \(ListenAddress.forms)"
            )
        }
        return TCPServerSettings(
            name: name,
            address: address,
            socketMode: try socketMode(of: address, from: &reader),
            delimiter: try delimiter(from: &reader),
            readBufferSize: try readBufferSize(from: &reader, default: defaults.readBufferSize),
            framing: try reader.choice("framing", default: .merge),
            maxPacketSize: try maxPacketSize(from: &reader, default: defaults.maxPacketSize)
        )
    }

    /// Octal digits, as chmod(1) takes them, read as they are written: a YAML number of the same digits would be another
    /// mode. The zero in front tells that they are meant so.
    private func socketMode(
        of address: ListenAddress,
        from reader: inout SectionReader
    ) throws(ConfigurationError) -> UInt32? {
        guard let (scalar, place) = try reader.nonEmptyScalar("socket_mode") else { return nil }
        let text = SectionReader.trimmed(scalar.scalar.text)
        let digits = text.hasPrefix("0o") ? "0" + text.dropFirst(2) : text
        guard digits.hasPrefix("0"), digits.utf8.count == 4, let mode = UInt32(digits, radix: 8) else {
            throw place.error(
                .invalidValue,
                "`\(text)` is no mode of a file",
                key: reader.path("socket_mode"),
                fix: #"use four octal digits, as in "0660""#
            )
        }
        if case .tcp = address {
            reader.diagnostics.warn(
                place.warning("only a unix socket has a mode: the key does nothing", key: reader.path("socket_mode"))
            )
        }
        reader.note("socket_mode", .text(text), from: place)
        return mode
    }

    /// Any bytes: a text is UTF-8, `!!binary` is what its base64 says.
    private func delimiter(from reader: inout SectionReader) throws(ConfigurationError) -> [UInt8] {
        let key = reader.path("delimiter")
        guard let (scalar, place) = try reader.scalarOfBytes("delimiter") else { return defaultDelimiter(&reader) }
        let delimiter = ByteText(bytes: try reader.bytes(of: scalar, key: key, at: place))
        guard !delimiter.isEmpty || scalar.scalar.kind == .binary else {
            // As in RoadRunner; an unset variable is no wish for an empty delimiter either.
            if scalar.unset.isEmpty {
                let message = #"the delimiter is empty: the default "\r\n" is used"#
                reader.diagnostics.warn(place.warning(message, key: key))
            } else {
                reader.warnUnset(scalar, key: "delimiter", at: place)
            }
            return defaultDelimiter(&reader)
        }
        guard !delimiter.isEmpty else { throw place.error(.invalidValue, "no base64 is there", key: key) }
        if let text = delimiter.text, scalar.scalar.kind != .binary, Self.holdsEscape(text) {
            let message =
                "`\(text)` is taken as it is written, backslashes included; for the bytes that it stands for write "
                + "\"\(text)\" in double quotes (YAML), or $'\(text)' (shell)"
            reader.diagnostics.warn(place.warning(message, key: key))
        }
        reader.note("delimiter", EffectiveScalar(delimiter), from: place)
        return delimiter.bytes
    }

    /// Whether a text has a backslash and a letter where its author most likely meant a control character.
    private static func holdsEscape(_ text: String) -> Bool {
        zip(text.utf8, text.utf8.dropFirst()).contains { $0 == UInt8(ascii: "\\") && "rnt0x".utf8.contains($1) }
    }

    private func defaultDelimiter(_ reader: inout SectionReader) -> [UInt8] {
        let bytes = TCPServerSettings.defaultDelimiter
        reader.note("delimiter", .text(String(decoding: bytes, as: UTF8.self)), from: nil)
        return bytes
    }

    /// Zero stands for the default, as in RoadRunner; above 100 a whole number is bytes (docs/configuration.md).
    private func readBufferSize(
        from reader: inout SectionReader,
        default fallback: Int
    ) throws(ConfigurationError) -> Int {
        guard let (bytes, place) = try reader.size("read_buf_size", bytesOver: 100), bytes > 0 else {
            reader.note("read_buf_size", SectionReader.sizeText(fallback), from: nil)
            return fallback
        }
        reader.note("read_buf_size", SectionReader.sizeText(bytes), from: place)
        return bytes
    }

    /// Zero is refused: whoever writes it hopes for "no limit", and there is none.
    private func maxPacketSize(
        from reader: inout SectionReader,
        default fallback: Int
    ) throws(ConfigurationError) -> Int {
        guard let (bytes, place) = try reader.size("max_packet_size") else {
            reader.note("max_packet_size", SectionReader.sizeText(fallback), from: nil)
            return fallback
        }
        guard bytes > 0 else {
            throw place.error(
                .outOfRange,
                "0 is not allowed: there is always a limit",
                key: reader.path("max_packet_size"),
                fix: "use 1 or more (MB), or a text such as 512KB"
            )
        }
        reader.note("max_packet_size", SectionReader.sizeText(bytes), from: place)
        return bytes
    }
}
