import Text

/// Writes JSON (RFC 8259), indented by two spaces.
struct JSONWriter {
    private(set) var text = ""
    /// For each open collection, whether it has an element yet.
    private var levels: [Bool] = []

    mutating func open(_ bracket: Character) {
        text.append(bracket)
        levels.append(false)
    }

    mutating func close(_ bracket: Character) {
        if levels.popLast() == true { newLine() }
        text.append(bracket)
    }

    /// Starts an element of a list.
    mutating func element() {
        guard let last = levels.indices.last else { return }
        if levels[last] { text += "," }
        levels[last] = true
        newLine()
    }

    /// Starts a member of an object.
    mutating func key(_ key: String) {
        element()
        string(key)
        text += ": "
    }

    /// A number, `true` or `false`.
    mutating func literal(_ literal: String) {
        text += literal
    }

    mutating func string(_ string: String) {
        text += string.jsonQuoted
    }

    private mutating func newLine() {
        text += "\n" + String(repeating: "  ", count: levels.count)
    }
}
