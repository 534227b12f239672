/// A place in a YAML text.
public struct YAMLMark: Sendable, Equatable, Hashable {
    /// 1-based.
    public var line: Int
    /// 1-based, counted in Unicode scalars.
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}
