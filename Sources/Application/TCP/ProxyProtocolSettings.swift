import Addresses
import Configuration

/// `tcp.servers.<name>.proxy_protocol`: the balancers that name their clients in a PROXY header.
struct ProxyProtocolSettings: Sendable, Equatable {
    /// A kind of peers.
    enum Source: Sendable, Equatable {
        case block(AddressBlock)
        /// All on a unix socket.
        case unix

        var block: AddressBlock? {
            if case .block(let block) = self { block } else { nil }
        }
    }

    static let mostSources = 1000

    var from: [Source] = []
    var timeout = Duration.seconds(5)
    /// Of 1 and 2.
    var versions = [1, 2]
    var isOptional = false

    static let section = Section(Self()) {
        Key(
            "from", \.from, .sources, marks: .ours,
            "Peers that must send a header: addresses and CIDR blocks, `unix:` for all on a unix socket. A text is split "
                + "on commas. No header of others is ever read.",
            required: MissingKey(
                "`proxy_protocol` needs `from`: the balancers whose headers are believed",
                fix: "name their addresses, as in [\"10.0.0.0/8\"]"))
        Key("timeout", \.timeout, .duration(.zeroIsDefault), marks: .ours, "For a whole header.")
        Key("versions", \.versions, .proxyVersions, marks: .ours, "The versions of the protocol that are understood.")
        Key(
            "optional", \.isOptional, .bool, marks: .ours,
            "Peers that are not in `from` are served as they are. Otherwise they are refused.")
    }
}

extension ListenerSettings {
    /// Finds a header that no peer could send.
    func checkProxyProtocol(_ reader: SectionReader) throws(ConfigurationError) {
        guard let proxyProtocol, !proxyProtocol.isOptional else { return }
        let isPossible =
            self.address.isTCP
            ? proxyProtocol.from.contains { $0 != .unix } : proxyProtocol.from.contains(.unix)
        guard !isPossible else { return }
        let entry = reader.source.mapping("proxy_protocol")?["from"]
        throw (entry?.value.place ?? reader.place).error(
            .invalidValue,
            self.address.isTCP
                ? "`unix:` is no peer of a TCP listener: all connections would be refused"
                : "peers of a unix socket have no address: all connections would be refused",
            key: reader.path("proxy_protocol.from"),
            fix: self.address.isTCP ? "add their addresses" : "add `unix:`")
    }
}

extension ValueKind<[ProxyProtocolSettings.Source]> {
    fileprivate static var sources: ValueKind {
        ValueKind(
            type: "string or list",
            range: "addresses, CIDR blocks, `unix:`",
            effective: { _ in nil },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let place = reader.source[key]?.value.place, let texts = try reader.list(key) else { return nil }
                guard texts.count <= ProxyProtocolSettings.mostSources else {
                    throw place.error(
                        .outOfRange, "\(texts.count) items are not allowed", key: reader.path(key),
                        fix: "use at most \(ProxyProtocolSettings.mostSources)")
                }
                var sources: [ProxyProtocolSettings.Source] = []
                for text in texts {
                    do throws(AddressBlock.Fault) {
                        sources.append(text == "unix:" ? .unix : .block(try AddressBlock(text)))
                    } catch {
                        throw place.error(
                            .invalidValue, error.message, key: reader.path(key), fix: "\(error.fix), or `unix:`")
                    }
                }
                return sources
            }
        )
    }
}

extension ValueKind<[Int]> {
    fileprivate static var proxyVersions: ValueKind {
        ValueKind(
            type: "string or list",
            range: "1, 2",
            effective: { .sequence($0.map { .integer($0) }, origin: .defaultValue) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let place = reader.source[key]?.value.place, let texts = try reader.list(key) else { return nil }
                var versions: [Int] = []
                for text in texts {
                    guard let version = Int(text), (1...2).contains(version) else {
                        throw place.error(
                            .invalidValue, "`\(text)` is no version of the PROXY protocol", key: reader.path(key),
                            fix: "use 1, 2 or both")
                    }
                    versions.append(version)
                }
                return versions
            }
        )
    }
}
