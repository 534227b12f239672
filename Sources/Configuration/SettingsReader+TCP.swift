internal import YAML

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
            delimiter: try delimiter(from: &reader),
            readBufferSize: try readBufferSize(from: &reader, default: defaults.readBufferSize),
            framing: try reader.choice("framing", default: .merge),
            maxPacketSize: try maxPacketSize(from: &reader, default: defaults.maxPacketSize)
        )
    }

    /// Any bytes: a text is UTF-8, `!!binary` is what its base64 says.
    private func delimiter(from reader: inout SectionReader) throws(ConfigurationError) -> [UInt8] {
        guard let (scalar, place) = try reader.scalar("delimiter") else { return defaultDelimiter(&reader) }
        if scalar.scalar.kind == .binary {
            guard let bytes = Base64.decode(scalar.scalar.text), !bytes.isEmpty else {
                throw place.error(.invalidValue, "is not base64", key: reader.path("delimiter"))
            }
            let text = String(validating: bytes, as: UTF8.self)
            reader.note("delimiter", text.map { .text($0) } ?? .binary(bytes), from: place)
            return bytes
        }
        let text = scalar.text
        guard !text.isEmpty else {
            // As in RoadRunner; an unset variable is no wish for an empty delimiter either.
            if scalar.unset.isEmpty {
                let message = #"the delimiter is empty: the default "\r\n" is used"#
                reader.diagnostics.warn(place.warning(message, key: reader.path("delimiter")))
            } else {
                reader.warnUnset(scalar, key: "delimiter", at: place)
            }
            return defaultDelimiter(&reader)
        }
        reader.note("delimiter", .text(text), from: place)
        return Array(text.utf8)
    }

    private func defaultDelimiter(_ reader: inout SectionReader) -> [UInt8] {
        let bytes = TCPServerSettings.defaultDelimiter
        reader.note("delimiter", .text(String(decoding: bytes, as: UTF8.self)), from: nil)
        return bytes
    }

    /// Zero stands for the default, as in RoadRunner; above 100 a whole number is bytes (REFERENCE 4).
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
