/// A file of `KEY=VALUE` lines, as RoadRunner's `envfile` and `--dotenv` read it; a byte order mark is skipped.
///
/// - `#` starts a comment, at the start of a line or after white space; `export ` before a name is skipped; `:` may
///   stand for `=`.
/// - Unquoted values end at the line and are trimmed. Single quotes are literal. In double quotes `\n`, `\r`, `\t` are
///   control characters and a backslash makes any other character literal. Quoted values may go over several lines.
/// - Unquoted and double-quoted values are expanded, with the variables of the environment and of the lines before.
/// - Values are bytes: parts that are not UTF-8 stay unchanged.
struct DotEnvFile {
    struct Fault: Error, Equatable {
        var message: String
        var line: Int
    }

    private var rest: ArraySlice<UInt8>
    private var line = 1
    /// The variables for references: the environment, then earlier lines that it does not define.
    private var variables: EnvironmentVariables
    private let environment: EnvironmentVariables
    private var entries: [EnvironmentEntry] = []
    private var positions: [String: Int] = [:]

    /// - Parameter environment: the variables for references; they override the file's.
    /// - Returns: the entries in file order; a repeated name has its last value.
    static func parse(_ bytes: [UInt8], environment: EnvironmentVariables) throws(Fault) -> [EnvironmentEntry] {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        var file = DotEnvFile(bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0), variables: environment)
        while try file.entry() {}
        return file.entries
    }

    private init(_ bytes: ArraySlice<UInt8>, variables: EnvironmentVariables) {
        rest = bytes
        self.variables = variables
        environment = variables
    }

    /// - Returns: `false` at the end.
    private mutating func entry() throws(Fault) -> Bool {
        skip(while: Self.isSpace)
        guard let first = rest.first else { return false }
        guard first != UInt8(ascii: "#") else {
            skip { !Self.isNewline($0) }
            return true
        }
        let start = line
        var bytes = take { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ":") && !Self.isNewline($0) }[...]
        if bytes.starts(with: "export ".utf8) { bytes.removeFirst("export ".utf8.count) }
        bytes = Self.trimmed(bytes)
        let name = String(decoding: bytes, as: UTF8.self)
        guard let separator = rest.first, !Self.isNewline(separator) else {
            throw Fault(message: "`\(name)` has no value; lines are KEY=VALUE", line: start)
        }
        guard !bytes.isEmpty, bytes.allSatisfy(Self.isNameByte), String(validating: bytes, as: UTF8.self) != nil else {
            throw Fault(message: "`\(name)` is no name of a variable", line: start)
        }
        rest.removeFirst()
        skip { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let entry = EnvironmentEntry(name: name, value: try value(startLine: start))
        if environment.value(name) == nil { variables.set([entry]) }
        if let position = positions[name] {
            entries[position] = entry
        } else {
            positions[name] = entries.count
            entries.append(entry)
        }
        return true
    }

    private mutating func value(startLine: Int) throws(Fault) -> ByteText {
        switch rest.first {
        case UInt8(ascii: "'"): ByteText(bytes: try quoted(UInt8(ascii: "'"), startLine: startLine))
        case UInt8(ascii: "\""): expanded(try quoted(UInt8(ascii: "\""), startLine: startLine))
        default: expanded(Array(Self.trimmed(Self.withoutComment(take { !Self.isNewline($0) }))))
        }
    }

    private mutating func quoted(_ quote: UInt8, startLine: Int) throws(Fault) -> [UInt8] {
        next()
        var value: [UInt8] = []
        while let byte = next() {
            if byte == quote {
                skip { !Self.isNewline($0) }
                return value
            }
            guard byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\""), let escaped = next() else {
                value.append(byte)
                continue
            }
            switch escaped {
            case UInt8(ascii: "n"): value.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "r"): value.append(UInt8(ascii: "\r"))
            case UInt8(ascii: "t"): value.append(UInt8(ascii: "\t"))
            // `$$` stays a literal `$` in the expansion that follows.
            case UInt8(ascii: "$"): value += "$$".utf8
            default: value.append(escaped)
            }
        }
        let mark = Character(Unicode.Scalar(quote))
        throw Fault(message: "the quote \(mark) is never closed", line: startLine)
    }

    private func expanded(_ value: [UInt8]) -> ByteText {
        VariableExpander(variables: variables).expand(value).value
    }
}

extension DotEnvFile {
    @discardableResult
    private mutating func next() -> UInt8? {
        guard let byte = rest.popFirst() else { return nil }
        // `\r\n` is one line end: do not count its first byte.
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") && rest.first != UInt8(ascii: "\n") { line += 1 }
        return byte
    }

    private mutating func take(while predicate: (UInt8) -> Bool) -> [UInt8] {
        var taken: [UInt8] = []
        while let byte = rest.first, predicate(byte) {
            taken.append(byte)
            next()
        }
        return taken
    }

    private mutating func skip(while predicate: (UInt8) -> Bool) {
        _ = take(while: predicate)
    }

    private static func withoutComment(_ value: [UInt8]) -> ArraySlice<UInt8> {
        var previous = UInt8(ascii: " ")
        for index in value.indices {
            if value[index] == UInt8(ascii: "#"), isSpace(previous) { return value[..<index] }
            previous = value[index]
        }
        return value[...]
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while let first = rest.first, isSpace(first) { rest.removeFirst() }
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return rest
    }

    /// Space, tab, and the bytes from line feed to carriage return.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    private static func isNewline(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    /// Accepts bytes beyond ASCII, too: letters of other scripts.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: byte >= 0x80
        }
    }
}
