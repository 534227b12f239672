import Text
import YAML

/// A node of the effective configuration: the result of defaults, includes, expansion and overrides.
package indirect enum EffectiveNode: Sendable, Equatable {
    /// Keys in the order of the schema, then by name.
    case mapping([Entry])
    /// A list, such as a command.
    case sequence([EffectiveScalar], origin: ValueOrigin)
    case scalar(EffectiveScalar, origin: ValueOrigin)

    /// One key of a mapping.
    package struct Entry: Sendable, Equatable {
        package var key: String
        package var value: EffectiveNode

        package init(key: String, value: EffectiveNode) {
            self.key = key
            self.value = value
        }
    }
}

/// A value as `rr check` prints it.
package enum EffectiveScalar: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case bool(Bool)
    /// Bytes that are not UTF-8: only a delimiter and a variable may have such a value.
    case binary([UInt8])
    /// A possible secret: a password, or a value of `env` or in a command that came from variables. `reference` is the
    /// configuration's text for it, or ``mask``.
    indirect case secret(EffectiveScalar, reference: String)

    /// The value as text, unquoted; bytes as base64, secrets as they are.
    package var text: String {
        switch self {
        case .secret(let value, _): value.text
        case .binary(let bytes): Base64.encode(bytes)
        case .text(let text): text
        case .integer(let number): String(number)
        case .bool(let flag): flag ? "true" : "false"
        }
    }
}

extension EffectiveScalar {
    /// In place of a secret.
    package static let mask = "***"

    /// This value as a secret if it came from a variable. Otherwise it stays: the file holds it in clear text anyway.
    func hidden(behind reference: String?) -> EffectiveScalar {
        reference.map { .secret(self, reference: $0) } ?? self
    }
}

extension EffectiveNode {
    /// Every leaf with its dotted path, in order.
    package var leaves: [Leaf] {
        var leaves: [Leaf] = []
        collect(into: &leaves, path: "")
        return leaves
    }

    /// A leaf of the tree: a scalar or a list.
    package struct Leaf: Sendable, Equatable {
        package var path: String
        package var values: [EffectiveScalar]
        /// Whether the leaf is a list, even one of a single value.
        package var isList: Bool
        package var origin: ValueOrigin
    }

    private func collect(into leaves: inout [Leaf], path: String) {
        switch self {
        case .mapping(let entries):
            for entry in entries {
                entry.value.collect(into: &leaves, path: path.isEmpty ? entry.key : "\(path).\(entry.key)")
            }
        case .sequence(let values, let origin):
            leaves.append(Leaf(path: path, values: values, isList: true, origin: origin))
        case .scalar(let value, let origin):
            leaves.append(Leaf(path: path, values: [value], isList: false, origin: origin))
        }
    }
}
