import Configuration
import JSON
import NIOCore
import RPC
import Synchronization

extension RPCService {
    /// `rpc`: about the server itself.
    ///
    /// - Parameter configuration: The effective configuration as JSON, without secrets.
    static func information(configuration: @escaping @Sendable () -> String) -> RPCService {
        RPCService(
            "rpc",
            [
                "Version": .immediate { call throws(RPCError) in
                    _ = try call.json()
                    return ByteBuffer(json: .string(Version.current))
                },
                // Bytes: JSON carries them as base64.
                "Config": .immediate { call throws(RPCError) in
                    guard call.codec != .raw else {
                        return ByteBuffer(string: configuration())
                    }
                    _ = try call.json()
                    return ByteBuffer(json: .base64(Array(configuration().utf8)))
                },
            ]
        )
    }
}

/// The configuration in effect, for callers who ask for it.
final class EffectiveConfiguration: Sendable {
    private let root: Mutex<EffectiveNode>

    init(_ root: EffectiveNode) {
        self.root = Mutex(root)
    }

    func replace(_ root: EffectiveNode) {
        self.root.withLock { $0 = root }
    }

    /// As JSON in one line, without secrets.
    var report: String {
        self.root.withLock { $0 }.report.text
    }
}

extension EffectiveNode {
    /// The configuration for callers: secrets are masked, by their names and where they come from variables.
    fileprivate var report: JSONValue {
        switch self {
        case .mapping(let entries):
            .object(
                entries.map { JSONMember($0.key, $0.key.namesSecret ? $0.value.masked : $0.value.report) }
            )
        case .sequence(let values, _): .array(values.map(\.report))
        case .scalar(let value, _): value.report
        }
    }

    private var masked: JSONValue {
        switch self {
        case .mapping(let entries): .object(entries.map { JSONMember($0.key, $0.value.masked) })
        case .sequence(let values, _): .array(values.map { _ in .string(EffectiveScalar.mask) })
        case .scalar: .string(EffectiveScalar.mask)
        }
    }
}

extension EffectiveScalar {
    fileprivate var report: JSONValue {
        switch self {
        case .secret: .string(Self.mask)
        case .text, .binary: .string(self.text)
        case .integer(let number): .integer(number)
        case .bool(let flag): .bool(flag)
        }
    }
}

extension String {
    /// Whether a key of this name holds what must not be shown.
    fileprivate var namesSecret: Bool {
        let name = self.lowercased()
        return [
            "password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "api_key", "private_key",
        ]
        .contains { name.contains($0) }
    }
}
