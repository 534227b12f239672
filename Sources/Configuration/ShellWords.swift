/// Splits a command line into words as a shell would (docs/protocol.md): white space separates, quotes keep together.
///
/// - Single quotes: everything up to the next one is literal.
/// - Double quotes: a backslash makes `"`, `\`, `$` and `` ` `` literal; before anything else it is a backslash.
/// - Outside of quotes a backslash makes the next character literal.
/// - Quotes may start inside of a word; `""` is an empty word.
///
/// Nothing else of a shell: no globs, pipes, or variables (those are expanded when the file is read).
enum ShellWords {
    enum Fault: Error, Equatable {
        /// A quote of this kind is opened and never closed.
        case unterminatedQuote(Character)
        /// The text ends with a backslash.
        case trailingBackslash
    }

    static func split(_ text: String) throws(Fault) -> [String] {
        var words: [String] = []
        var word: String?
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case " ", "\t", "\n", "\r":
                if let finished = word { words.append(finished) }
                word = nil
            case "'":
                word = (word ?? "") + (try singleQuoted(&scalars))
            case "\"":
                word = (word ?? "") + (try doubleQuoted(&scalars))
            case "\\":
                guard let next = scalars.popFirst() else { throw .trailingBackslash }
                word = (word ?? "") + String(next)
            default:
                word = word ?? ""
                word?.unicodeScalars.append(scalar)
            }
        }
        if let word { words.append(word) }
        return words
    }

    private static func singleQuoted(_ scalars: inout Substring.UnicodeScalarView) throws(Fault) -> String {
        var result = String.UnicodeScalarView()
        while let scalar = scalars.popFirst() {
            if scalar == "'" { return String(result) }
            result.append(scalar)
        }
        throw .unterminatedQuote("'")
    }

    private static func doubleQuoted(_ scalars: inout Substring.UnicodeScalarView) throws(Fault) -> String {
        var result = String.UnicodeScalarView()
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\"": return String(result)
            case "\\":
                guard let next = scalars.popFirst() else { break }
                if !["\"", "\\", "$", "`"].contains(next) { result.append(scalar) }
                result.append(next)
            default: result.append(scalar)
            }
        }
        throw .unterminatedQuote("\"")
    }
}
