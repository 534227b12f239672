/// `-o key=value`: a dotted key in any case; the last one wins (docs/configuration.md).
///
/// White space around key and value is trimmed, quotes around a value are removed but not the white space in them, and
/// variables in it are expanded, as in RoadRunner. An empty result is an error. A server that the file does not have is
/// created. The items of a list are separated by commas.
struct OverrideArguments {
    /// One argument, taken apart.
    struct Argument: Equatable {
        /// In lower case.
        var key: String
        var value: String
    }

    let schema: Schema
    let expander: VariableExpander
    let diagnostics: Diagnostics

    func apply(_ arguments: [String], to tree: inout SourceMapping) throws(ConfigurationError) {
        for text in arguments {
            let argument = try Self.parse(text)
            let components = argument.key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard let match = schema.resolve(components[...], in: tree) else {
                warnUnknown(argument.key, components)
                continue
            }
            if match.isNotRun {
                let section = components.first ?? argument.key
                let message = "section `\(section)` is not run by this service"
                diagnostics.warn(SourcePlace.override.warning(message, key: section))
                continue
            }
            switch match.node {
            case .value, .anything: break
            case .section, .named, .list, .variables:
                throw Self.fault("is a section", argument.key, "name one of its keys")
            }
            guard tree.set(match.path[...], to: try value(argument)) else {
                throw Self.fault("cannot be set: something above it in the file is no section", argument.key, nil)
            }
        }
    }

    /// Parses `key=value`, with RoadRunner's rules for quotes.
    static func parse(_ text: String) throws(ConfigurationError) -> Argument {
        let start = text.drop { " \"'`".contains($0) }
        guard let equals = start.firstIndex(of: "=") else {
            throw fault("invalid flag `\(text)`", nil, "usage: -o key=value")
        }
        // Arguments arrive as text, with U+FFFD in place of bytes that are not UTF-8.
        guard !start.unicodeScalars.contains("\u{FFFD}") else {
            throw fault("`\(text)` is not UTF-8", nil, "set a variable to these bytes, and write -o 'key=${NAME}'")
        }
        let key = SectionReader.trimmed(String(start[..<equals])).lowercased()
        guard !key.isEmpty else { throw fault("key should not be empty in `\(text)`", nil, "usage: -o key=value") }
        var value = SectionReader.trimmed(String(start[start.index(after: equals)...]))
        if let quote = value.first, "\"'`".contains(quote) {
            value = String(value.drop { $0 == quote })
            while value.last == quote, !value.hasSuffix("\\\(quote)") { value.removeLast() }
            value = unescaped(value, quote: quote)
        }
        guard !value.isEmpty else {
            let fix = "leave the option out, or quote white space: -o \"\(key)=' '\""
            throw fault("value should not be empty", key, fix)
        }
        return Argument(key: key, value: value)
    }

    private static func unescaped(_ value: String, quote: Character) -> String {
        var result = ""
        for character in value {
            if character == quote, result.last == "\\" { result.removeLast() }
            result.append(character)
        }
        return result
    }

    private func value(_ argument: Argument) throws(ConfigurationError) -> SourceValue {
        guard let result = expander.expand(argument.value) else {
            return SourceValue(content: .scalar(SourceScalar(ByteText(argument.value))), place: .override)
        }
        guard !result.isTooLong else { throw Self.fault("the value is too long", argument.key, nil) }
        return SourceValue(content: .scalar(SourceScalar(result, of: argument.value)), place: .override)
    }

    private func warnUnknown(_ key: String, _ components: [String]) {
        let known = schema.settablePaths(in: SourceMapping()).map { $0.joined(separator: ".") }
        var guess = Suggestion.closest(to: key, among: known)
        if guess == nil, let section = components.first {
            guess = Suggestion.closest(to: section, among: schema.root.map(\.name))
        }
        diagnostics.warn(SourcePlace.override.warning("unknown key, ignored\(SchemaCheck.hint(guess))", key: key))
    }

    private static func fault(_ message: String, _ key: String?, _ fix: String?) -> ConfigurationError {
        SourcePlace.override.error(.invalidOverride, message, key: key, fix: fix)
    }
}
