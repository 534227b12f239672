/// The reason why a text is not valid YAML, or is not accepted.
package struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The fault, without its place.
    package var message: String
    /// The place; `nil` if the fault has none (out of memory).
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
