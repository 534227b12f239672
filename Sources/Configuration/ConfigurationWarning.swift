/// Something in a configuration that is probably not what its author meant, but does not stop the server.
public struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    /// The file, as an absolute path; `-o` or `env NAME` when the value came from there.
    public var file: String
    /// 1-based; `nil` when no line is to blame.
    public var line: Int?
    /// 1-based, counted in characters; `nil` when no line is to blame.
    public var column: Int?
    /// The dotted key, in lower case.
    public var key: String?
    /// What is odd and what happens because of it.
    public var message: String

    public init(file: String, line: Int? = nil, column: Int? = nil, key: String? = nil, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.message = message
    }

    /// One line: `FILE:LINE:COL: KEY: message`; parts that are not known are left out.
    public var description: String {
        oneLine(file: file, line: line, column: column, key: key, message: message)
    }
}
