/// Why a text is not YAML, or not the YAML that is accepted here.
package struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, without the place.
    package var message: String
    /// Where; `nil` when no place is to blame (out of memory).
    package var mark: YAMLMark?

    package init(message: String, mark: YAMLMark? = nil) {
        self.message = message
        self.mark = mark
    }

    /// `LINE:COL: message`.
    package var description: String {
        guard let mark else { return message }
        return "\(mark.line):\(mark.column): \(message)"
    }
}
