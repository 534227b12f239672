import Application
import ArgumentParser
import Configuration

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate the configuration and print it as it is in effect.",
        discussion: """
            Reads the configuration as `rr serve` does, and starts nothing. Warnings and errors go to standard error.

            Examples:
              rr check
              rr check -c /etc/rr/.rr.yaml --explain
              rr check -o tcp.pool.num_workers=8 --json

            Exit codes: 0 the configuration is valid, 1 it is not, 64 wrong usage.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(exclusivity: .exclusive)
    var form = Form.yaml

    @Flag(help: "Print what variables give to `env` and to commands, too: passwords, say. Else only their names are.")
    var showSecrets = false

    enum Form: EnumerableFlag {
        case yaml, json, explain

        static func help(for value: Form) -> ArgumentHelp? {
            switch value {
            case .yaml: "Print YAML, a configuration that says the same again with the same variables."
            case .json: "Print JSON."
            case .explain: "Print each value with where it came from: default, file and line, variable, -o."
            }
        }
    }

    func run() throws {
        do {
            let loaded = try self.options.load(environment: ProcessEnvironment.variables)
            for warning in loaded.warnings {
                Console().warning("\(warning)")
            }
            try loaded.checkFiles()
            switch self.form {
            case .yaml: print(loaded.yaml(showsSecrets: self.showSecrets))
            case .json: print(loaded.json(showsSecrets: self.showSecrets))
            case .explain: print(loaded.explanation(showsSecrets: self.showSecrets), terminator: "")
            }
        } catch {
            Console().error("\(error)")
            throw ExitCode.failure
        }
    }
}
