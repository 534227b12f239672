/// A place in a YAML text.
package struct YAMLMark: Sendable, Equatable, Hashable {
    /// 1-based.
    package var line: Int
    /// 1-based, counted in Unicode scalars.
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}
