import Configuration
import Testing

@testable import Application

/// `rr check` prints the origin of a worker's variable, but not its value.
@Suite struct SecretTests {
    private static let text = """
        version: '3'
        server:
          command: php worker.php
          env: {KEY: '${KEY}', URL: 'db://u:${PASS:-none}@h$$', PLAIN: seen, DOLLAR: '$$x'}
          on_init: {command: php, env: {TOKEN: $TOKEN}}
        tcp: {servers: {main: {addr: '127.0.0.1:${PORT}'}}}
        """

    private static let environment = [
        "KEY": "secret-1", "PASS": "secret-2", "TOKEN": "secret-3", "PORT": "7777", "RR_SERVER_ENV_PLAIN": "secret-4",
    ]

    private static let references = ["${KEY}", "db://u:${PASS:-none}@h$$", "$TOKEN", "${RR_SERVER_ENV_PLAIN}", "${X}"]

    private func loaded() throws -> LoadedSettings {
        let environment = Self.environment.merging(["X": "secret-5"]) { $1 }
        return try load(Self.text, environment: environment, overrides: ["server.env.more=${X}", "server.env.b=told"])
    }

    @Test func valuesOfVariablesAreHidden() throws {
        let loaded = try loaded()
        for text in [loaded.yaml(), loaded.json(), loaded.explanation()] {
            #expect(!text.contains("secret-"))
            for reference in Self.references { #expect(text.contains(reference), "\(reference)") }
            // Values that are not secret, or are readable in the file or on the command line.
            #expect(text.contains("127.0.0.1:7777"))
            #expect(text.contains("told"))
        }
        #expect(loaded.explanation().contains("server.env.KEY = \"${KEY}\""))
        #expect(loaded.yaml().contains("DOLLAR: $$x\n"))
    }

    @Test func theyAreShownOnDemand() throws {
        let loaded = try loaded()
        let texts = [
            loaded.yaml(showsSecrets: true), loaded.json(showsSecrets: true), loaded.explanation(showsSecrets: true),
        ]
        for text in texts {
            for number in 1...5 { #expect(text.contains("secret-\(number)")) }
            for reference in Self.references { #expect(!text.contains(reference), "\(reference)") }
        }
    }

    @Test func whatIsPrintedLoadsToTheSame() throws {
        let loaded = try loaded()
        let environment = Self.environment.merging(["X": "secret-5"]) { $1 }
        #expect(try load(loaded.yaml(), environment: environment).settings == loaded.settings)
        #expect(try load(loaded.yaml(showsSecrets: true)).settings == loaded.settings)
    }

    @Test(arguments: [
        "'php worker.php --password=${KEY} $$HOME'", "[php, 'a b', '--password=${KEY}', '$$HOME']", "'${KEY}'",
        "['php ${KEY}']",
    ])
    func commandsHideThemToo(command: String) throws {
        let text = """
            version: '3'
            server: {command: \(command), on_init: {command: \(command)}}
            tcp: {servers: {main: {addr: ':1'}}, pool: {command: \(command)}}
            """
        let environment = ["KEY": "'secret' $x"]
        let loaded = try load(text, environment: environment)
        for text in [loaded.yaml(), loaded.json(), loaded.explanation()] {
            #expect(!text.contains("secret"))
            #expect(text.split(separator: "${KEY}").count == 4, "\(text)")
        }
        #expect(try load(loaded.yaml(), environment: environment).settings == loaded.settings)
        #expect(loaded.yaml(showsSecrets: true).contains("secret"))
        #expect(try load(loaded.yaml(showsSecrets: true)).settings == loaded.settings)
        #expect(loaded.warnings.isEmpty)
    }

    @Test func aCommandOfAVariableIsHidden() throws {
        let environment = ["RR_SERVER_COMMAND": "php --password=secret", "PORT": "1"]
        let loaded = try load(Self.text, environment: environment)
        #expect(!loaded.yaml().contains("secret"))
        #expect(try load(loaded.yaml(), environment: environment).settings == loaded.settings)
    }

    /// The output does not reveal that the value is empty.
    @Test func whatIsUnsetIsSaid() throws {
        let text = """
            version: '3'
            server:
              command: 'php w.php ${A}'
              env: {KEY: 'x${B}$C', D: '${D:-}'}
            tcp: {servers: {main: {addr: ':1'}}}
            """
        let loaded = try load(text, environment: ["C": ""])
        #expect(
            loaded.warnings.map(\.description) == [
                "\(loaded.file):3:12: server.command: the variable `A` is unset or empty; "
                    + "write `${A:-}` where that is meant",
                "\(loaded.file):4:14: server.env.KEY: the variables `B`, `C` are unset or empty; "
                    + "write `${B:-}` where that is meant",
            ])
    }
}
