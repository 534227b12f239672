import Testing

@testable import Application
@testable import Configuration

@Suite struct DotEnvTests {
    private func parse(_ text: String, environment: [String: String] = [:]) throws -> [String] {
        try DotEnvFile.parse(Array(text.utf8), environment: EnvironmentVariables(environment))
            .map { "\($0.name)=\($0.value)" }
    }

    @Test(arguments: [
        ("A=1\nB=2\n", ["A=1", "B=2"]), ("# c\n\n  A = x y  # comment\n", ["A=x y"]), ("export A=1", ["A=1"]),
        ("A: 1", ["A=1"]), ("A='$B # \\n'", ["A=$B # \\n"]), (#"A="x\ny\"z\$B" # c"#, ["A=x\ny\"z$B"]),
        ("A=1\r\nB=2\r\n", ["A=1", "B=2"]), ("A=\nB=x", ["A=", "B=x"]), ("A=1\nB=${A}2$A", ["A=1", "B=121"]),
        ("A=1\nA=2", ["A=2"]), ("A=x#y", ["A=x#y"]), ("A=\"x\ny\"\nB=1", ["A=x\ny", "B=1"]), ("a.b=1", ["a.b=1"]),
        ("A=b=c", ["A=b=c"]), ("", []), ("\u{FEFF}A=1", ["A=1"]), ("\u{FEFF}# c\nA=1", ["A=1"]), ("é=ü", ["é=ü"]),
        ("A=\u{FEFF}", ["A=\u{FEFF}"]),
    ])
    func reads(text: String, entries: [String]) throws {
        #expect(try parse(text) == entries)
    }

    @Test(arguments: [
        ("A=1\nnonsense\n", 2), ("A='x\ny\n", 1), ("\n=1", 2), ("A B=1", 1), ("A=\"x\\\"", 1),
        ("A=1\r\nB=2\r\nC", 3), ("\u{FEFF}\u{FEFF}A=1\n=", 2),
    ])
    func faultsHaveTheirLine(text: String, line: Int) {
        let fault = #expect(throws: DotEnvFile.Fault.self) { try parse(text) }
        #expect(fault?.line == line)
    }

    @Test func referencesSeeTheEnvironmentFirst() throws {
        #expect(try parse("A=1\nB=$A", environment: ["A": "env"]) == ["A=1", "B=env"])
    }

    @Test func envfileAddsWhatIsNotSet() throws {
        let sandbox = try Sandbox([
            "conf/rr.yaml": minimal + "envfile: .env\nrpc: {listen: 'tcp://${HOST}:${PORT}'}\n",
            "conf/.env": "HOST=file\nPORT=1\nRR_LOGS_LEVEL=error\n",
        ])
        let loaded = try sandbox.load("conf/rr.yaml", environment: ["PORT": "2"])
        #expect(loaded.settings.rpc?.listen == "tcp://file:2")
        #expect(loaded.settings.logs.all.level == .error)
        #expect(loaded.environmentAdditions.map(\.name) == ["HOST", "RR_LOGS_LEVEL"])
    }

    @Test func aDotenvComesBeforeTheEnvfile() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "envfile: b.env\nrpc: {listen: 'unix://$A$B'}\n", "a.env": "A=a\n",
            "b.env": "A=b\nB=b\n",
        ])
        #expect(try sandbox.load(dotenv: "a.env").settings.rpc?.listen == "unix://ab")
        #expect(try sandbox.load(environment: ["DOTENV_PATH": "a.env"]).settings.rpc?.listen == "unix://ab")
        #expect(try sandbox.load().settings.rpc?.listen == "unix://bb")
    }

    @Test func aMissingFileIsAnError() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "envfile: none.env\n", "bad.yaml": minimal + "envfile: b\n", "b": "x\n",
        ])
        let error = try failure { () throws(ConfigurationError) in try sandbox.load() }
        #expect(error.code == .unreadableFile)
        #expect(error.key == "envfile")
        #expect(error.line == 5)
        let dotenv = try failure { () throws(ConfigurationError) in try sandbox.load(dotenv: "none") }
        #expect(dotenv.file == "--dotenv")
        #expect(dotenv.message.hasPrefix("\(sandbox.path("none")): "))
        let variable = try failure { () throws(ConfigurationError) in
            try sandbox.load(environment: ["DOTENV_PATH": "none"], dotenv: "b")
        }
        #expect(variable.file == "env DOTENV_PATH")
        let line = try failure { () throws(ConfigurationError) in try sandbox.load(dotenv: "b") }
        #expect((line.file, line.line) == (sandbox.path("b"), 1))
        let bad = try failure { () throws(ConfigurationError) in try sandbox.load("bad.yaml") }
        #expect((bad.file, bad.line) == (sandbox.path("b"), 1))
    }
}
