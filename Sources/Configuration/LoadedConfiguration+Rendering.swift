import YAML

extension LoadedConfiguration {
    /// The effective configuration as YAML: defaults included, variables expanded, includes merged.
    ///
    /// Loading it, with the same variables, gives equal settings: a `$` is doubled so that it is not expanded again.
    ///
    /// - Parameter showsSecrets: whether to print the values of variables in `env` and commands, or only their names.
    package func yaml(showsSecrets: Bool = false) -> String {
        // libyaml fails only without memory, or on trees deeper than any configuration.
        (try? YAMLEmitter().emit(effective.tree(showsSecrets: showsSecrets))) ?? ""
    }

    /// The effective configuration as JSON, on one line for each leaf.
    ///
    /// - Parameter showsSecrets: as for ``yaml(showsSecrets:)``.
    package func json(showsSecrets: Bool = false) -> String {
        var writer = JSONWriter()
        effective.write(to: &writer, showsSecrets: showsSecrets)
        return writer.text + "\n"
    }
}

extension EffectiveNode {
    fileprivate func tree(showsSecrets: Bool) -> YAMLTree {
        switch self {
        case .mapping(let entries):
            .mapping(entries.map { YAMLTree.Entry(key: $0.key, value: $0.value.tree(showsSecrets: showsSecrets)) })
        case .sequence(let values, _): .sequence(values.map { $0.tree(showsSecrets: showsSecrets) })
        case .scalar(let value, _): value.tree(showsSecrets: showsSecrets)
        }
    }

    fileprivate func write(to writer: inout JSONWriter, showsSecrets: Bool) {
        switch self {
        case .mapping(let entries):
            writer.open("{")
            for entry in entries {
                writer.key(entry.key)
                entry.value.write(to: &writer, showsSecrets: showsSecrets)
            }
            writer.close("}")
        case .sequence(let values, _):
            writer.open("[")
            for value in values {
                writer.element()
                value.write(to: &writer, showsSecrets: showsSecrets)
            }
            writer.close("]")
        case .scalar(let value, _):
            value.write(to: &writer, showsSecrets: showsSecrets)
        }
    }
}

extension EffectiveScalar {
    fileprivate func tree(showsSecrets: Bool) -> YAMLTree {
        switch self {
        // A reference keeps its single dollars: it is expanded when it is read again.
        case .secret(let value, let reference): showsSecrets ? value.tree(showsSecrets: true) : .text(reference)
        case .text(let text): .text(Self.doublingDollars(text))
        case .integer(let number): .integer(number)
        case .bool(let flag): .bool(flag)
        case .binary(let bytes): .binary(bytes)
        }
    }

    /// Works on scalars: a `$` with a combining mark is a different character, but the same reference.
    private static func doublingDollars(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(scalar)
            if scalar == "$" { result.append(scalar) }
        }
        return String(result)
    }

    fileprivate func write(to writer: inout JSONWriter, showsSecrets: Bool) {
        switch self {
        case .secret(let value, let reference): writer.string(showsSecrets ? value.text : reference)
        case .text, .binary: writer.string(text)
        case .integer, .bool: writer.literal(text)
        }
    }
}
