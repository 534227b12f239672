import YAML

/// The place of a key or a value.
package enum SourcePlace: Sendable, Equatable {
    case file(String, YAMLMark, isInclude: Bool)
    case environment(name: String)
    case override

    package var origin: ValueOrigin {
        switch self {
        case .file(let file, let mark, isInclude: false): .file(file: file, line: mark.line)
        case .file(let file, let mark, isInclude: true): .include(file: file, line: mark.line)
        case .environment(let name): .environment(name: name)
        case .override: .override
        }
    }

    /// The file, or its substitute in a message.
    package var file: String {
        switch self {
        case .file(let file, _, _): file
        case .environment(let name): "env \(name)"
        case .override: "-o"
        }
    }

    package var mark: YAMLMark? {
        guard case .file(_, let mark, _) = self else { return nil }
        return mark
    }

    package func error(
        _ code: ConfigurationError.Code,
        _ message: String,
        key: String? = nil,
        fix: String? = nil
    ) -> ConfigurationError {
        ConfigurationError(
            code: code,
            message: message,
            file: file,
            line: mark?.line,
            column: mark?.column,
            key: key,
            fix: fix
        )
    }

    package func warning(_ message: String, key: String? = nil) -> ConfigurationWarning {
        ConfigurationWarning(file: file, line: mark?.line, column: mark?.column, key: key, message: message)
    }
}
