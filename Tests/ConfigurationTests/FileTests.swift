import Configuration
import Foundation
import Testing

@testable import Application

@Suite struct FileTests {
    @Test func aMissingFileIsNamed() throws {
        let sandbox = try Sandbox()
        let error = try failure { () throws(ConfigurationError) in try sandbox.load("none.yaml") }
        #expect(error.code == .unreadableFile)
        #expect(error.file == sandbox.path("none.yaml"))
        #expect(error.description.hasPrefix("\(sandbox.path("none.yaml")): the file does not exist"))
    }

    @Test func aDirectoryIsNoFile() throws {
        let sandbox = try Sandbox(["rr.yaml/x": ""])
        let error = try failure { () throws(ConfigurationError) in try sandbox.load() }
        #expect(error.code == .unreadableFile)
        #expect(error.message.contains("directory"))
    }

    @Test func bytesThatAreNoUTF8HaveTheirPlace() throws {
        let sandbox = try Sandbox()
        try sandbox.write("rr.yaml", Array("version: '3'\né: ".utf8) + [0xC3, 0x28])
        let error = try failure { () throws(ConfigurationError) in try sandbox.load() }
        #expect(error.code == .unreadableFile)
        #expect(error.message == "is not UTF-8")
        #expect((error.line, error.column) == (2, 4))
    }

    @Test(arguments: ["", "# a comment\n", "---\n...\n"])
    func anEmptyFileSaysSo(_ text: String) throws {
        let error = try failure(text)
        #expect(error.code == .emptyFile || error.code == .invalidYAML)
    }

    @Test func aLargeFileIsRefused() throws {
        let error = try failure(minimal + String(repeating: "# padding\n", count: 110_000))
        #expect(error.code == .unreadableFile)
        #expect(error.message.contains("1024 KiB"))
    }

    @Test func aPipeDoesNotHang() throws {
        let sandbox = try Sandbox()
        #expect(mkfifo(sandbox.path("rr.yaml"), 0o600) == 0)
        let error = try failure { () throws(ConfigurationError) in try sandbox.load() }
        #expect(error.code == .emptyFile)
    }

    @Test(arguments: [("a, b", 1), ("[1, 2]", 1), ("\n\ntext\n", 3)])
    func theRootIsAMapping(text: String, line: Int) throws {
        let error = try failure(text)
        #expect(error.code == .invalidYAML)
        #expect(error.line == line)
    }

    @Test func aByteOrderMarkIsFine() throws {
        #expect(try load("\u{FEFF}" + minimal).version == "3")
    }

    @Test func faultsOfYAMLHaveTheirPlace() throws {
        let error = try failure(minimal + "logs: {mode: raw\n")
        #expect(error.code == .invalidYAML)
        #expect(error.line == 6)
        #expect(try failure(minimal + "version: '3'\n").line == 5)
        #expect(try failure(minimal + "---\nversion: '3'\n").message.contains("second document"))
    }

    @Test func keysThatDifferByCaseAreDuplicates() throws {
        let error = try failure(minimal + "TCP: {}\n")
        #expect(error.code == .invalidYAML)
        #expect(error.key == "tcp")
        #expect((error.line, error.column) == (5, 1))
        #expect(error.message.contains("first at line 3"))
        #expect(
            try failure("version: '3'\ntcp: {servers: {a: {addr: ':1'}, A: {addr: ':2'}}}\n").key == "tcp.servers.a")
        #expect(try failure("version: '3'\nserver: {env: {a: 1, A: 2}}\n").key == "server.env.a")
    }

    @Test func sectionsThatAreNotRunMayDifferByCase() throws {
        #expect(throws: Never.self) { try load(minimal + "http: {headers: {X-A: 1, x-a: 2}}\n") }
    }

    @Test(arguments: [
        ("version: 3", "version should be a string: `version: \"3\"`, actual type is: int"),
        ("version: 2.7", "version should be a string: `version: \"3\"`, actual type is: float64"),
        ("version: true", "version should be a string: `version: \"3\"`, actual type is: bool"),
        ("logs: {}", "rr configuration file should contain a version e.g: version: 3"),
        ("version: ~", "rr configuration file should contain a version e.g: version: 3"),
    ])
    func theVersionIsAString(text: String, message: String) throws {
        let error = try failure("\(text)\nserver: {command: php}\ntcp: {servers: {a: {addr: ':1'}}}\n")
        #expect(error.code == .invalidVersion)
        #expect(error.message == message)
        #expect(error.key == "version")
    }

    @Test func anyVersionIsAccepted() throws {
        #expect(
            try load("version: anything\nserver: {command: php}\ntcp: {servers: {a: {addr: ':1'}}}\n").version
                == "anything")
        #expect(try load(minimal, overrides: ["version=2.7"]).version == "2.7")
    }

    @Test(
        arguments: [
            ("version: '3'\nserver: {command: php}\n", nil), ("version: '3'\n", nil),
            ("version: '3'\ntcp: {}\n", 2), ("version: '3'\ntcp: {pool: {num_workers: 1}}\n", 2),
            ("version: '3'\ntcp:\n  servers: {}\n", 3), ("version: '3'\ntcp:\n", 2),
        ] as [(String, Int?)])
    func nothingToServeHasACodeOfItsOwn(text: String, line: Int?) throws {
        let error = try failure(text)
        #expect(error.code == .noServers)
        #expect(error.message == "no servers registered")
        #expect(error.key == "tcp.servers")
        #expect(error.line == line)
    }

    @Test func otherFaultsComeFirst() throws {
        #expect(try failure("version: '3'\nlogs: {level: loud}\n").key == "logs.level")
    }

    @Test func relativePathsCountFromTheFile() throws {
        let sandbox = try Sandbox(["conf/rr.yaml": minimal])
        let loaded = try sandbox.load("conf/../conf/./rr.yaml")
        #expect(loaded.file == sandbox.path("conf/rr.yaml"))
        #expect(loaded.workDirectory == sandbox.path("conf"))
    }

    @Test func aWorkDirectoryIsWhereTheFileIsLookedFor() throws {
        let sandbox = try Sandbox(["app/conf/rr.yaml": minimal])
        let loaded = try sandbox.load("conf/rr.yaml", workDirectory: sandbox.path("app/"))
        #expect(loaded.file == sandbox.path("app/conf/rr.yaml"))
        #expect(loaded.workDirectory == sandbox.path("app"))
        let other = try sandbox.load(sandbox.path("app/conf/rr.yaml"), workDirectory: sandbox.folder)
        #expect(other.workDirectory == sandbox.folder)
    }

    @Test func aWorkDirectoryMustBeThere() throws {
        let sandbox = try Sandbox(["rr.yaml": minimal])
        let error = try failure { () throws(ConfigurationError) in
            try sandbox.load(workDirectory: sandbox.path("none"))
        }
        #expect(error.message.contains("work directory"))
    }
}
