/// A file of `KEY=VALUE` lines, as RoadRunner's `envfile` and `--dotenv` read it.
///
/// - `#` starts a comment, at the start of a line or after white space; `export ` before a name is skipped; `:` may
///   stand for `=`.
/// - Unquoted values end at the line and are trimmed. Single quotes are literal. In double quotes `\n`, `\r`, `\t` are
///   control characters and a backslash makes any other character literal. Quoted values may go over several lines.
/// - Unquoted and double-quoted values are expanded, with the variables of the environment and of the lines before.
struct DotEnvFile {
    struct Fault: Error, Equatable {
        var message: String
        var line: Int
    }

    private var text: ArraySlice<Character>
    private var line = 1
    /// What references may see: the environment, and the lines before that it does not have.
    private var variables: [String: String]
    private let environment: [String: String]
    private var entries: [EnvironmentEntry] = []
    private var positions: [String: Int] = [:]

    /// - Parameter environment: for references to variables; it wins over the file.
    /// - Returns: the entries in file order; a name that is there twice has its last value.
    static func parse(_ text: String, environment: [String: String]) throws(Fault) -> [EnvironmentEntry] {
        var file = DotEnvFile(text: Array(text)[...], variables: environment)
        while try file.entry() {}
        return file.entries
    }

    private init(text: ArraySlice<Character>, variables: [String: String]) {
        self.text = text
        self.variables = variables
        environment = variables
    }

    /// - Returns: `false` at the end.
    private mutating func entry() throws(Fault) -> Bool {
        skip { $0.isWhitespace }
        guard let first = text.first else { return false }
        guard first != "#" else {
            skip { !$0.isNewline }
            return true
        }
        let start = line
        var name = take { $0 != "=" && $0 != ":" && !$0.isNewline }
        if name.hasPrefix("export ") { name.removeFirst("export ".count) }
        name = Self.trimmed(name)
        guard let separator = text.first, separator == "=" || separator == ":" else {
            throw Fault(message: "`\(name)` has no value; lines are KEY=VALUE", line: start)
        }
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }) else {
            throw Fault(message: "`\(name)` is no name of a variable", line: start)
        }
        text.removeFirst()
        skip { $0 == " " || $0 == "\t" }
        let value = try value(of: name, startLine: start)
        if environment[name] == nil { variables[name] = value }
        if let position = positions[name] {
            entries[position].value = value
        } else {
            positions[name] = entries.count
            entries.append(EnvironmentEntry(name: name, value: value))
        }
        return true
    }

    private mutating func value(of name: String, startLine: Int) throws(Fault) -> String {
        switch text.first {
        case "'":
            return try quoted("'", startLine: startLine)
        case "\"":
            return expanded(try quoted("\"", startLine: startLine))
        default:
            return expanded(Self.trimmed(Self.withoutComment(take { !$0.isNewline })))
        }
    }

    private mutating func quoted(_ quote: Character, startLine: Int) throws(Fault) -> String {
        next()
        var value = ""
        while let character = next() {
            if character == quote {
                skip { !$0.isNewline }
                return value
            }
            guard character == "\\", quote == "\"", let escaped = next() else {
                value.append(character)
                continue
            }
            switch escaped {
            case "n": value.append("\n")
            case "r": value.append("\r")
            case "t": value.append("\t")
            // Stays literal in the expansion that follows.
            case "$": value += "$$"
            default: value.append(escaped)
            }
        }
        throw Fault(message: "the quote \(quote) is never closed", line: startLine)
    }

    private func expanded(_ value: String) -> String {
        VariableExpander(variables: variables).expand(value)?.text ?? value
    }
}

extension DotEnvFile {
    @discardableResult
    private mutating func next() -> Character? {
        guard let character = text.popFirst() else { return nil }
        if character.isNewline { line += 1 }
        return character
    }

    private mutating func take(while predicate: (Character) -> Bool) -> String {
        var taken = ""
        while let character = text.first, predicate(character) {
            taken.append(character)
            next()
        }
        return taken
    }

    private mutating func skip(while predicate: (Character) -> Bool) {
        _ = take(while: predicate)
    }

    private static func withoutComment(_ value: String) -> String {
        var previous: Character = " "
        for index in value.indices {
            if value[index] == "#", previous.isWhitespace { return String(value[..<index]) }
            previous = value[index]
        }
        return value
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
