/// Something in a configuration that is probably not what its author meant, but does not stop the server.
package struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    /// The file, as an absolute path; `-o` or `env NAME` when the value came from there.
    package var file: String
    /// 1-based; `nil` when no line is to blame.
    package var line: Int?
    /// 1-based, counted in characters; `nil` when no line is to blame.
    package var column: Int?
    /// The dotted key, in lower case.
    package var key: String?
    /// What is odd and what happens because of it.
    package var message: String

    package init(file: String, line: Int? = nil, column: Int? = nil, key: String? = nil, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.message = message
    }

    /// One line: `FILE:LINE:COL: KEY: message`; parts that are not known are left out.
    package var description: String {
        oneLine(file: file, line: line, column: column, key: key, message: message)
    }
}
