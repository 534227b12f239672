/// Translates RoadRunner's command-line arguments for the parser.
///
/// RoadRunner's options follow pflag, and most apply to every command: `rr -c FILE serve` and `rr serve -c FILE` are
/// the same, `-cFILE`, `-c=FILE` and `--config=FILE` too; `-ps` is `-p -s`, `-p=false` has no effect, and a value may
/// begin with a dash. In the result the command comes first, then each option under its long name with its value
/// attached. An empty value follows as an argument of its own: the parser accepts it only there.
package struct CommandArguments {
    /// An option in any of its spellings.
    private struct Option {
        var short: Character?
        /// Long names; the parser knows the first.
        var long: [String]
        var takesValue = false
        /// Commands that have the option.
        var commands: Set<String>
        /// Whether commands without the option accept and ignore it, as in RoadRunner.
        var isPersistent = true
    }

    private static let located: Set<String> = ["serve", "check", "health", "stop", "reload", "reset", "workers"]
    private static let configured: Set<String> = ["serve", "check", "health", "reset", "workers"]

    private static let options = [
        Option(short: "c", long: ["config"], takesValue: true, commands: Self.located),
        Option(short: "w", long: ["WorkDir", "workdir"], takesValue: true, commands: Self.located),
        Option(short: "o", long: ["override"], takesValue: true, commands: Self.configured),
        Option(short: nil, long: ["dotenv"], takesValue: true, commands: Self.configured),
        Option(short: "p", long: ["pid"], commands: ["serve"]),
        Option(short: "s", long: ["silent"], commands: ["serve", "stop", "reload", "reset"]),
        Option(short: "d", long: ["debug"], commands: ["serve"]),
        Option(short: "e", long: ["enable-experimental"], commands: ["serve"]),
        Option(short: "f", long: ["force"], commands: ["stop"]),
        Option(short: "t", long: ["timeout"], takesValue: true, commands: ["stop"], isPersistent: false),
    ]

    /// A known option, or any other argument.
    private enum Token {
        case option(Option, value: String?)
        /// Passed on unchanged: the parser reports the fault.
        case other(String)
    }

    private var rest: ArraySlice<String>
    private var command: String?
    private var tokens: [Token] = []

    /// - Parameter arguments: The arguments without the program's name.
    /// - Returns: The same arguments in the parser's form; invalid ones stay invalid.
    package static func canonical(_ arguments: [String]) -> [String] {
        var scan = CommandArguments(rest: arguments[...])
        scan.scan()
        return scan.result
    }

    private init(rest: ArraySlice<String>) {
        self.rest = rest
    }

    private mutating func scan() {
        while let argument = self.rest.popFirst() {
            if argument == "--" {
                self.tokens += ([argument] + self.rest).map { .other($0) }
                return
            } else if argument.hasPrefix("--") {
                self.tokens.append(self.long(argument))
            } else if argument.hasPrefix("-"), argument != "-" {
                self.tokens += self.shorts(argument) ?? [.other(argument)]
            } else if self.command == nil {
                self.command = argument
            } else {
                self.tokens.append(.other(argument))
            }
        }
    }

    private mutating func long(_ argument: String) -> Token {
        let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = Self.options.first(where: { $0.long.contains(name) }) else {
            return .other(argument)
        }
        if parts.count > 1 {
            return .option(option, value: String(parts[1]))
        }
        guard option.takesValue else {
            return .option(option, value: nil)
        }
        return self.rest.popFirst().map { .option(option, value: $0) } ?? .other(argument)
    }

    /// - Returns: `nil` if one of them is unknown: the parser then gets all of them unchanged.
    private mutating func shorts(_ argument: String) -> [Token]? {
        var tokens: [Token] = []
        var letters = argument.dropFirst()
        while let letter = letters.popFirst() {
            guard let option = Self.options.first(where: { $0.short == letter }) else {
                return nil
            }
            if letters.first == "=" {
                return tokens + [.option(option, value: String(letters.dropFirst()))]
            }
            guard option.takesValue else {
                tokens.append(.option(option, value: nil))
                continue
            }
            guard letters.isEmpty else {
                return tokens + [.option(option, value: String(letters))]
            }
            return tokens + [self.rest.popFirst().map { .option(option, value: $0) } ?? .other("-\(letter)")]
        }
        return tokens
    }

    private var result: [String] {
        let command = self.command.map { [$0] } ?? []
        return command
            + self.tokens.flatMap { token in
                switch token {
                case .other(let text): return [text]
                case .option(let option, let value): return self.text(of: option, value)
                }
            }
    }

    /// - Returns: Empty if the option has no effect.
    private func text(of option: Option, _ value: String?) -> [String] {
        let isTaken = option.commands.contains(self.command ?? "")
        guard isTaken || !option.isPersistent else {
            return []
        }
        let name = "--\(option.long[0])"
        guard let value else {
            return [name]
        }
        // The value of a flag: Go's words for true and false.
        switch option.takesValue ? "" : value {
        case "1", "t", "T", "true", "TRUE", "True": return [name]
        case "0", "f", "F", "false", "FALSE", "False": return []
        default: return option.takesValue && value.isEmpty ? [name, value] : ["\(name)=\(value)"]
        }
    }
}
