import Text

/// The reason why a configuration cannot be used: the fault, its place, and a possible fix.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of a fault, for callers that treat some kinds differently.
    package struct Code: Sendable, Equatable, Hashable, CustomStringConvertible {
        package let description: String

        init(_ description: String) {
            self.description = description
        }

        /// The file is missing, unreadable, a directory, not UTF-8, or too large.
        package static let unreadableFile = Code("unreadable file")
        /// The text is not well-formed YAML, or has duplicate keys, a second document, or an alias bomb.
        package static let invalidYAML = Code("invalid YAML")
        /// `version` is missing or is not text.
        package static let invalidVersion = Code("invalid version")
        /// A file includes itself, directly or not, or includes go too deep.
        package static let includeCycle = Code("include cycle")
        /// The file has no `tcp.servers`: well-formed, but there is nothing to serve.
        package static let noServers = Code("no servers")
        /// The file holds nothing but white space and comments.
        package static let emptyFile = Code("empty file")
        /// A required key is missing.
        package static let missingValue = Code("missing value")
        /// A value of the wrong type or form.
        package static let invalidValue = Code("invalid value")
        /// A value of the right type that is outside of its range.
        package static let outOfRange = Code("out of range")
        /// Two servers, or a server and an admin endpoint, want the same address.
        package static let addressConflict = Code("address conflict")
        /// An `RR_*` variable that could mean more than one key.
        package static let ambiguousVariable = Code("ambiguous variable")
        /// A `-o` that is not `key=value`, or names a key that cannot take a value.
        package static let invalidOverride = Code("invalid override")
    }

    package var code: Code
    /// The fault, without place and key.
    package var message: String
    /// The file, as an absolute path; `-o` or `env NAME` if the value came from there.
    package var file: String
    /// 1-based; `nil` if the fault has no line.
    package var line: Int?
    /// 1-based, counted in characters; `nil` if the fault has no line.
    package var column: Int?
    /// The dotted key, in lower case.
    package var key: String?
    /// The user's remedy.
    package var fix: String?

    package init(
        code: Code,
        message: String,
        file: String,
        line: Int? = nil,
        column: Int? = nil,
        key: String? = nil,
        fix: String? = nil
    ) {
        self.code = code
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.fix = fix
    }

    /// One line: `FILE:LINE:COL: KEY: message (fix)`; unknown parts are left out.
    package var description: String {
        let text = oneLine(file: file, line: line, column: column, key: key, message: message)
        guard let fix else { return text }
        return "\(text) (\(fix.singleLine()))"
    }
}

/// `FILE:LINE:COL: KEY: message`, without unknown parts.
func oneLine(file: String, line: Int?, column: Int?, key: String?, message: String) -> String {
    var text = file
    if let line {
        text += ":\(line)"
        if let column { text += ":\(column)" }
    }
    text += ": "
    if let key, !key.isEmpty { text += "\(key): " }
    return (text + message).singleLine()
}
