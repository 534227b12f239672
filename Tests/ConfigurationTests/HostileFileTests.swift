import Configuration
import Testing

@testable import Application

/// Files made to be slow: each must end, and soon, though it is nearly as large as a file may be.
@Suite struct HostileFileTests {
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("unknown keys", "", "k# : 1\n"), ("channels", "logs: {channels: {", "c#: {}, "),
            ("servers", "x:\n", " s#: 1\n"), ("references", "a: '", "${A"), ("names", "rpc: {listen: '", "$A#"),
            ("variables", "on:\n", " v#: $A\n"), ("brackets", "a: ", "["), ("quotes", "a: \"", "\\n"),
            ("keys", "a: {", "? "),
            ("colons", "", ":"), ("dashes", "", "- "), ("lists", "include: [", "a#, "), ("anchors", "a: [", "&a# x, "),
        ])
    func ends(name: String, start: String, piece: String) throws {
        let sandbox = try Sandbox()
        var text = minimal + start
        var number = 0
        while text.utf8.count < 400_000 {
            text += piece.replacing("#", with: "\(number)")
            number += 1
        }
        try sandbox.write("rr.yaml", text)
        _ = try? sandbox.load(environment: ["RR_LOGS_LEVEL": "info"])
    }

    @Test(.timeLimit(.minutes(1))) func manyServersAreRefused() throws {
        let servers = (0..<1001).map { "s\($0): {addr: ':\($0 + 1)'}" }.joined(separator: ", ")
        let error = try failure("version: '3'\nserver: {command: php}\ntcp: {servers: {\(servers)}}\n")
        #expect(error.code == .outOfRange)
    }

    @Test(.timeLimit(.minutes(1))) func aHundredServersAreFine() throws {
        let servers = (0..<100).map { "s\($0): {addr: ':\($0 + 1)'}" }.joined(separator: ", ")
        let loaded = try load("version: '3'\nserver: {command: php}\ntcp: {servers: {\(servers)}}\n")
        #expect(loaded.settings.tcp.servers.count == 100)
    }
}
