import Configuration
import Testing

/// `rr check` tells where a variable of workers comes from, and not what it holds.
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

    private func loaded() throws -> LoadedConfiguration {
        let environment = Self.environment.merging(["X": "secret-5"]) { $1 }
        return try load(Self.text, environment: environment, overrides: ["server.env.more=${X}", "server.env.b=told"])
    }

    @Test func valuesOfVariablesAreHidden() throws {
        let loaded = try loaded()
        for text in [loaded.yaml(), loaded.json(), loaded.explanation()] {
            #expect(!text.contains("secret-"))
            for reference in Self.references { #expect(text.contains(reference), "\(reference)") }
            // What is no secret, or is in the file or on the command line for everybody to read.
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
}
