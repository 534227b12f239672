/// A part of a configuration that is probably a mistake but does not stop the server.
package struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    /// The file, as an absolute path; `-o` or `env NAME` if the value came from there.
    package var file: String
    /// 1-based; `nil` if the warning has no line.
    package var line: Int?
    /// 1-based, counted in characters; `nil` if the warning has no line.
    package var column: Int?
    /// The dotted key, in lower case.
    package var key: String?
    /// The likely mistake and its effect.
    package var message: String

    package init(file: String, line: Int? = nil, column: Int? = nil, key: String? = nil, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.message = message
    }

    /// One line: `FILE:LINE:COL: KEY: message`; unknown parts are left out.
    package var description: String {
        oneLine(file: file, line: line, column: column, key: key, message: message)
    }
}
