import Addresses
import Configuration

/// `rpc`: its address is only passed on to workers, as `RR_RPC`.
struct RPCSettings: Sendable, Equatable {
    /// As given.
    var listen = "tcp://127.0.0.1:6001"

    static let section = Section(Self()) {
        Key(
            "listen", \.listen, .addressText,
            "`tcp://host:port` or `unix://path`. When there is an `rpc` section: told to workers as `RR_RPC`. "
                + "Nothing listens there."
        )
    }

    /// The address, if it is certainly one of this machine: only workers use it, and it may name another machine.
    var addressOfThisMachine: ListenAddress? {
        guard let address = try? ListenAddress(parsingWithScheme: listen), address.isOfThisMachine else { return nil }
        return address
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
                do throws(ListenAddress.Fault) {
                    _ = try ListenAddress(parsingWithScheme: text)
                } catch {
                    throw place.error(
                        .invalidValue, error.message, key: reader.path(key), fix: "use tcp://host:port or unix://path")
                }
                reader.note(key, .text(text), from: place)
                return text
            }
        )
    }
}
