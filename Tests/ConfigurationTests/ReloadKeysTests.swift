import Configuration
import Testing

@testable import Application

/// The marks of the keys determine the changes that a reload leaves to the next start.
@Suite struct ReloadKeysTests {
    private static let head = "version: '3'\nserver: {command: php}\ntcp: {servers: {main: {addr: ':7777'}}}\n"

    @Test(
        "Keys that stay are named, others are not",
        arguments: [
            ("logs: {level: info, channels: {tcp: {level: warn}}}\nendure: {grace_period: 5s}", []),
            ("rpc: {}", ["rpc"]),
            ("logs: {encoding: json}", ["logs.encoding"]),
            ("logs: {channels: {tcp: {output: stdout}, rr: {level: warn}}}", ["logs.channels.tcp.output"]),
            ("logs: {file_logger_options: {log_output: x}}", ["logs.file_logger_options"]),
            ("status: {address: ':1'}\nmetrics: {}", ["status", "metrics"]),
            ("metrics: {collect: {mails: {type: counter}}}", ["metrics"]),
        ] as [(String, [String])]
    )
    func keys(text: String, keys: [String]) throws {
        let (old, new) = (try load(Self.head).settings, try load(Self.head + text + "\n").settings)
        #expect(Settings.section.changesAtStart(old, new) == keys)
        #expect(Settings.section.changesAtStart(new, old) == keys)
        #expect(Settings.section.changesAtStart(new, new) == [])
    }

    @Test func aKeyOfASectionThatIsThereIsNamed() throws {
        let status = "status: {address: ':1', unavailable_after: 1s}\n"
        let init1 = Self.head.replacing("php}", with: "php, on_init: {command: a}}")
        let (old, new) = (
            try load(init1 + status), try load(init1.replacing("a}", with: "b}") + "status: {address: ':1'}")
        )
        let keys = Settings.section.changesAtStart(old.settings, new.settings)
        #expect(keys == ["server.on_init.command", "status.unavailable_after"])
    }

    @Test func allOfTheTrafficsKeysAreTakenOver() throws {
        let tcp = "tcp: {servers: {main: {addr: ':1', framing: split}, b: {addr: ':2'}}, pool: {num_workers: 7}}\n"
        let new = try load("version: '3'\nserver: {command: other, env: {A: 1}, user: root}\n" + tcp).settings
        #expect(Settings.section.changesAtStart(try load(Self.head).settings, new) == [])
    }
}
