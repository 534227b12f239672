import Testing

@testable import Application
@testable import Configuration

@Suite struct CommandTests {
    @Test(arguments: [
        ("php worker.php", ["php", "worker.php"]), ("  a \t b\n", ["a", "b"]), ("a 'b c' d", ["a", "b c", "d"]),
        (#"a "b \" \\ \n c""#, ["a", #"b " \ \n c"#]), (#"a b\ c"#, ["a", "b c"]), ("a ''", ["a", ""]),
        ("a'b'c", ["abc"]), (#"'a\'"#, [#"a\"#]), ("", []), ("   ", []), (#"a\"b"#, [#"a"b"#]), ("é 'ü'", ["é", "ü"]),
    ])
    func splitsAsAShellWould(text: String, words: [String]) throws {
        #expect(try ShellWords.split(text) == words)
    }

    @Test func whatIsNeverClosedIsAFault() {
        #expect(throws: ShellWords.Fault.unterminatedQuote("'")) { try ShellWords.split("a 'b") }
        #expect(throws: ShellWords.Fault.unterminatedQuote("\"")) { try ShellWords.split(#"a "b\""#) }
        #expect(throws: ShellWords.Fault.unterminatedQuote("\"")) { try ShellWords.split(#"a "b\"#) }
        #expect(throws: ShellWords.Fault.trailingBackslash) { try ShellWords.split(#"a \"#) }
    }

    @Test(arguments: [
        ("php w.php", ["php", "w.php"]), ("[php, 'a b']", ["php", "a b"]), ("['php w.php']", ["php", "w.php"]),
        ("[php, -d, 1]", ["php", "-d", "1"]), ("'php a,b.php'", ["php", "a,b.php"]), ("[php, '']", ["php", ""]),
    ])
    func commandsMayBeTextsOrLists(text: String, words: [String]) throws {
        let loaded = try load("version: '3'\nserver: {command: \(text)}\ntcp: {servers: {a: {addr: ':1'}}}\n")
        #expect(loaded.settings.server.command == words)
    }

    @Test(arguments: ["''", "[]", "~", "'  '", "['']"])
    func anEmptyCommandIsRefused(_ text: String) throws {
        let error = try failure("version: '3'\nserver:\n  command: \(text)\ntcp: {servers: {a: {addr: ':1'}}}\n")
        #expect(error.code == .missingValue)
        #expect(error.message == "command should not be empty")
        #expect(error.key == "server.command")
        #expect(error.line == 3)
    }

    @Test func aMissingServerSectionIsAMissingCommand() throws {
        let error = try failure("version: '3'\ntcp: {servers: {a: {addr: ':1'}}}\n")
        #expect(error.message == "command should not be empty")
    }

    @Test(arguments: [
        ("\"php 'x\"", "never closed"), ("{a: b}", "a text or a list"), ("[php, [x]]", "text is expected"),
    ])
    func otherCommandsAreRefused(text: String, message: String) throws {
        let error = try failure("version: '3'\nserver: {command: \(text)}\ntcp: {servers: {a: {addr: ':1'}}}\n")
        #expect(error.code == .invalidValue)
        #expect(error.message.contains(message))
        #expect(error.key == "server.command")
        #expect(error.line == 2)
    }

    @Test func thePoolMayHaveItsOwn() throws {
        #expect(try loadPool("command: 'php other.php'").0.command == ["php", "other.php"])
        #expect(try loadPool("command: ''").0.command == [])
    }

    @Test func onInitNeedsACommand() throws {
        let text =
            "version: '3'\nserver: {command: php, on_init: {exec_timeout: 5s}}\ntcp: {servers: {a: {addr: ':1'}}}\n"
        let error = try failure(text)
        #expect(error.message == "on_init command should not be empty")
        #expect(error.key == "server.on_init.command")
    }

    @Test func onInitIsReadWhole() throws {
        let text = """
            version: '3'
            server:
              command: php
              user: www
              group: ""
              on_init: {command: php a.php, exec_timeout: 5s, env: {a: b}, user: root, exit_on_error: true}
            tcp: {servers: {a: {addr: ':1'}}}
            """
        let server = try load(text).settings.server
        #expect(server.user == "www")
        #expect(server.group == nil)
        let entry = EnvironmentEntry(name: "A", value: "b")
        let expected = OnInitSettings(
            command: ["php", "a.php"],
            execTimeout: .seconds(5),
            environment: [entry],
            user: "root",
            exitOnError: true
        )
        #expect(server.onInit == expected)
    }
}
