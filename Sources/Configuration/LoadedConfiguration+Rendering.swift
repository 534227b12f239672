internal import YAML

extension LoadedConfiguration {
    /// The effective configuration as YAML: defaults included, variables expanded, includes merged.
    ///
    /// Loading it gives equal settings: a `$` is doubled so that it is not expanded again.
    public func yaml() -> String {
        // libyaml fails on trees deeper than any that can be here, or when memory is short.
        (try? YAMLEmitter().emit(effective.tree)) ?? ""
    }

    /// The effective configuration as JSON, on one line for each leaf.
    public func json() -> String {
        var writer = JSONWriter()
        effective.write(to: &writer)
        return writer.text + "\n"
    }
}

extension EffectiveNode {
    fileprivate var tree: YAMLTree {
        switch self {
        case .mapping(let entries): .mapping(entries.map { YAMLTree.Entry(key: $0.key, value: $0.value.tree) })
        case .sequence(let values, _): .sequence(values.map(\.tree))
        case .scalar(let value, _): value.tree
        }
    }

    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .mapping(let entries):
            writer.open("{")
            for entry in entries {
                writer.key(entry.key)
                entry.value.write(to: &writer)
            }
            writer.close("}")
        case .sequence(let values, _):
            writer.open("[")
            for value in values {
                writer.element()
                value.write(to: &writer)
            }
            writer.close("]")
        case .scalar(let value, _):
            value.write(to: &writer)
        }
    }
}

extension EffectiveScalar {
    fileprivate var tree: YAMLTree {
        switch self {
        case .text(let text): .text(Self.doublingDollars(text))
        case .integer(let number): .integer(number)
        case .bool(let flag): .bool(flag)
        case .binary(let bytes): .binary(bytes)
        }
    }

    /// By scalars: a `$` with a combining mark is another character, but the same reference.
    private static func doublingDollars(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(scalar)
            if scalar == "$" { result.append(scalar) }
        }
        return String(result)
    }

    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .text, .binary: writer.string(text)
        case .integer, .bool: writer.literal(text)
        }
    }
}
