import Addresses
import Configuration

/// `rpc`: where the calls of workers and of the command line come in.
struct RPCSettings: Sendable, Equatable {
    /// As given.
    var listen = "tcp://127.0.0.1:6001"
    /// The permissions of a unix socket's file, 0…0o777.
    var listenMode: SocketMode = 0o660
    /// In bytes.
    var maxMessageSize = 64 << 20
    var maxConnections = 1024
    var maxCalls = 256
    /// `nil`: in clear.
    var tls: TLSSettings?

    static let section = Section(Self()) {
        Key(
            "listen", \.listen, .addressText, marks: .atStart,
            "`tcp://host:port` or `unix://path`, when there is an `rpc` section. Workers are told as `RR_RPC` how they "
                + "reach it. Whoever can connect may call everything: see [RPC](rpc.md)."
        )
        Key(
            "listen_mode", \.listenMode, .socketMode, marks: [.ours, .atStart],
            "Permissions of a unix socket's file, which belongs to the group of `server.user`.", default: "\"0660\""
        )
        Key(
            "max_message_size", \.maxMessageSize, .size(zeroIsDefault: true), marks: [.ours, .atStart],
            "A connection that sends a larger call is closed."
        )
        Key(
            "max_connections", \.maxConnections, .integer(in: 1...65_536), marks: [.ours, .atStart],
            "Open connections, and no more than an eighth of the limit of descriptors (but 64); others wait."
        )
        Key(
            "max_calls", \.maxCalls, .integer(in: 1...65_536), marks: [.ours, .atStart],
            "Calls in flight of one connection; further ones wait."
        )
        Key("tls", \.tls, section: TLSSettings.atStart)
    } check: { reader, rpc throws(ConfigurationError) in
        if let entry = reader.source["tls"], rpc.tls != nil, rpc.address?.isLoopback == true {
            let message = "`listen` is of this machine alone, which is not encrypted: the section does nothing"
            reader.diagnostics.warn(entry.keyPlace.warning(message, key: reader.path("tls")))
        }
        guard case .tcp = rpc.address, let place = reader.source["listen_mode"] else {
            return
        }
        let message = "only a unix socket has a mode: the key does nothing"
        reader.diagnostics.warn(place.value.place.warning(message, key: reader.path("listen_mode")))
    }

    /// Where to listen; the text was checked when it was read.
    var address: ListenAddress? {
        try? ListenAddress(parsingWithScheme: self.listen)
    }
}

extension ListenAddress {
    /// Where a worker, or the command line, reaches a listener of this machine: PHP's client knows no name for all
    /// interfaces, and a worker may change its directory.
    func reachableFromWorkers(in workDirectory: String) -> ListenAddress {
        switch self {
        case .unix(let path): .unix(path: FilePath.absolute(path, in: workDirectory))
        // A socket of all interfaces takes IPv4 as well.
        case .tcp(host: "::", let port): .tcp(host: "127.0.0.1", port: port)
        case .tcp: self.reachable
        }
    }

    /// Whether PHP's client, which connects by IPv4 only, cannot connect.
    var isIPv6Only: Bool {
        if case .tcp(let host, _) = self { host.utf8.contains(UInt8(ascii: ":")) } else { false }
    }
}

extension ValueKind<String> {
    /// An address, kept as written.
    fileprivate static var addressText: ValueKind {
        ValueKind(
            type: "string",
            effective: { .scalar(.text($0)) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let (scalar, place) = try reader.nonEmptyScalar(key) else { return nil }
                let text = SectionReader.trimmed(scalar.text)
                func fault(_ message: String) -> ConfigurationError {
                    place.error(
                        .invalidValue, message, key: reader.path(key), fix: "use tcp://host:port or unix://path")
                }
                let address: ListenAddress
                do throws(ListenAddress.Fault) {
                    address = try ListenAddress(parsingWithScheme: text)
                } catch {
                    throw fault(error.message)
                }
                // Workers are told this port, and `rr reset` reads it from the file.
                if case .tcp(_, port: 0) = address { throw fault("the port of RPC cannot be 0") }
                reader.note(key, .text(text), from: place)
                return text
            }
        )
    }
}
