import Addresses
import Foundation
import Testing

@testable import Application
@testable import Configuration

@Suite struct AddressTests {
    @Test func serversCannotShareAnAddress() throws {
        let text = """
            version: '3'
            server: {command: php}
            tcp:
              servers:
                a: {addr: ':7777'}
                b: {addr: '127.0.0.1:7777'}
            """
        let error = try failure(text)
        #expect(error.code == .addressConflict)
        #expect(error.key == "tcp.servers.b.addr")
        #expect(error.line == 6)
        #expect(error.message.contains("`tcp.servers.a.addr` is :7777 (\(error.file):5)"))
    }

    @Test(arguments: [
        ("server: {command: php, relay: 'tcp://:7777'}", "server.relay", 2, "tcp.servers.a.addr", "3"),
        ("server: {command: php, relay: 'unix://run/../b.sock'}", "server.relay", 2, "tcp.servers.b.addr", "4"),
        ("server: {command: php}\nrpc: {listen: 'tcp://127.0.0.1:7777'}", "rpc.listen", 3, "tcp.servers.a.addr", "4"),
        ("server: {command: php}\nrpc: {listen: 'unix://b.sock'}", "rpc.listen", 3, "tcp.servers.b.addr", "5"),
        ("server: {command: php}\nstatus: {address: ':7777'}", "status.address", 3, "tcp.servers.a.addr", "4"),
        (
            "server: {command: php}\nstatus: {address: 'unix://./b.sock'}", "status.address", 3, "tcp.servers.b.addr",
            "5"
        ),
        ("server: {command: php}\nmetrics: {address: ':7777'}", "metrics.address", 3, "tcp.servers.a.addr", "4"),
        (
            "server: {command: php, relay: 'tcp://127.0.0.1:1'}\nrpc: {listen: 'tcp://:1'}", "rpc.listen", 3,
            "server.relay", "2"
        ),
        ("server: {command: php}\nrpc: {}\nstatus: {address: ':6001'}", "status.address", 4, "rpc.listen", "default"),
        (
            "server: {command: php}\nmetrics: {}\nstatus: {address: ':2112'}", "metrics.address", 3, "status.address",
            "4"
        ),
    ])
    func everyTwoListenersAreCompared(text: String, key: String, line: Int, other: String, place: String) throws {
        let servers = "tcp: {servers: {a: {addr: '127.0.0.1:7777'}, "
        let text = "version: '3'\n\(text)\n\(servers)\n b: {addr: 'unix://b.sock'}}}\n"
        let error = try failure(text)
        #expect(error.code == .addressConflict)
        #expect(error.key == key)
        #expect(error.line == line)
        #expect(error.message.contains("is taken already: `\(other)` is "))
        #expect(error.message.hasSuffix(place == "default" ? "(default)" : "(\(error.file):\(place))"))
    }

    /// Two addresses that may well be different are not an error.
    @Test(arguments: [
        "server: {command: php, relay: 'tcp://:7777'}\ntcp: {servers: {a: {addr: '127.0.0.2:7777'}}}",
        "server: {command: php, relay: 'unix:///tmp/rr.sock'}\ntcp: {servers: {a: {addr: 'unix://rr.sock'}}}",
        "server: {command: php}\nrpc: {listen: 'tcp://host-a:1'}\ntcp: {servers: {a: {addr: 'host-b:1'}}}",
        "server: {command: php}\nstatus: {address: 'host-a:1'}\ntcp: {servers: {a: {addr: 'host-b:1'}}}",
        "server: {command: php}\nstatus: {address: '[::1]:1'}\ntcp: {servers: {a: {addr: '127.0.0.1:1'}}}",
    ])
    func othersAreNot(_ text: String) throws {
        #expect(throws: Never.self) { try load("version: '3'\n\(text)\n") }
    }

    @Test func aSocketHasOneName() throws {
        let sandbox = try Sandbox(["real/x": ""])
        try FileManager.default.createSymbolicLink(
            atPath: sandbox.path("link"), withDestinationPath: sandbox.path("real"))
        try sandbox.write(
            "rr.yaml",
            "version: '3'\nserver: {command: php, relay: 'unix://link/a.sock'}\n"
                + "tcp: {servers: {a: {addr: 'unix://\(sandbox.path("real"))//a.sock'}}}\n")
        let error = try failure { () throws(ConfigurationError) in try sandbox.load() }
        #expect(error.key == "server.relay")
        #expect(error.fix == "give each its own path")
    }

    @Test func theMetricsCannotShareAnAddressWithAServer() throws {
        let error = try failure(minimal + "metrics: {address: '0.0.0.0:7777'}\n")
        #expect(error.code == .addressConflict)
        #expect(error.key == "metrics.address")
    }

    @Test func probesAndMetricsMayHaveOneAddress() throws {
        let settings = try load(minimal + "status: {address: ':2112'}\nmetrics: {address: ':2112'}\n").settings
        #expect(settings.status?.address == settings.metrics?.address)
        // One would take the other's connections on that interface.
        let error = try failure(minimal + "status: {address: ':2112'}\nmetrics: {address: '127.0.0.1:2112'}\n")
        #expect(error.code == .addressConflict)
        #expect(error.key == "metrics.address")
    }

    @Test func aMissingAddressIsNamed() throws {
        for keys in ["", "delimiter: x", "addr: ''", "addr: ~", "addr: $UNSET"] {
            let error = #expect(throws: ConfigurationError.self) { try loadServer(keys) }
            #expect(error?.code == .missingValue)
            #expect(error?.message == "empty address for the server: main")
            #expect(error?.key == "tcp.servers.main.addr")
            #expect(error?.line == 3)
        }
    }

    @Test func aWrongAddressIsNamed() throws {
        let error = #expect(throws: ConfigurationError.self) { try loadServer("addr: 'udp://:1'") }
        #expect(error?.message.hasPrefix("invalid Protocol ([tcp://]:6001, unix://file.sock)") == true)
        #expect(error?.column == 30)
    }

    @Test(arguments: [
        ("pipes", Relay.pipes), ("''", .pipes), ("tcp://127.0.0.1:7000", .socket(.tcp(host: "127.0.0.1", port: 7000))),
        ("unix://rr.sock", .socket(.unix(path: "rr.sock"))),
    ])
    func relays(text: String, relay: Relay) throws {
        let loaded = try load(
            "version: '3'\nserver: {command: php, relay: '\(text == "''" ? "" : text)'}\ntcp: {servers: {a: {addr: ':1'}}}\n"
        )
        #expect(loaded.settings.server.relay == relay)
        #expect(loaded.warnings("server.relay").isEmpty)
    }

    @Test(arguments: ["pupes", "tcp://:0", "udp://x", "tcp://x", "127.0.0.1:7000"])
    func otherRelaysAreRefused(_ text: String) throws {
        let error = try failure(
            "version: '3'\nserver: {command: php, relay: '\(text)'}\ntcp: {servers: {a: {addr: ':1'}}}\n")
        #expect(error.key == "server.relay")
        #expect(error.line == 2)
    }
}
