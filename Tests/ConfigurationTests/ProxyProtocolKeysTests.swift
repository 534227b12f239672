import Addresses
import Configuration
import Testing

@testable import Application

/// The keys of `proxy_protocol`.
@Suite struct ProxyProtocolKeysTests {
    private static func text(_ keys: String, addr: String = ":25") -> String {
        """
        version: '3'
        server: {command: php}
        tcp: {servers: {smtp: {addr: '\(addr)', proxy_protocol: \(keys)}}}
        """
    }

    private func settings(_ keys: String, addr: String = ":25") throws -> ProxyProtocolSettings? {
        let loaded = try load(Self.text(keys, addr: addr))
        #expect(loaded.warnings.isEmpty)
        // What `rr check` prints loads again.
        #expect(try load(loaded.yaml()).settings == loaded.settings)
        return loaded.settings.tcp.servers.first?.proxyProtocol
    }

    @Test func itsKeysAreRead() throws {
        let block = ProxyProtocolSettings.Source.block(try AddressBlock("10.0.0.0/8"))
        #expect(try self.settings("{from: [10.0.0.0/8]}") == ProxyProtocolSettings(from: [block]))
        let single = ProxyProtocolSettings.Source.block(try AddressBlock("::1"))
        #expect(
            try self.settings("{from: '10.0.0.0/8, ::1', timeout: 3s, versions: [2], optional: true}")
                == ProxyProtocolSettings(from: [block, single], timeout: .seconds(3), versions: [2], isOptional: true))
        #expect(
            try self.settings("{from: ['unix:'], versions: 1}", addr: "unix:///tmp/x.sock")
                == ProxyProtocolSettings(from: [.unix], versions: [1]))
        #expect(
            try load("{version: '3', server: {command: php}, tcp: {servers: {a: {addr: ':1'}}}}")
                .settings.tcp.servers.first?.proxyProtocol == nil)
    }

    @Test(
        "One line names file, line, key and what is right",
        arguments: [
            ("{}", ":1", "from", "name their addresses"),
            ("{from: []}", ":1", "from", "name their addresses"),
            ("{from: balancer}", ":1", "from", "use an IP address"),
            ("{from: [10.0.0.0/33]}", ":1", "from", "use 0...32 behind the slash"),
            ("{from: [10.0.0.7/8]}", ":1", "from", "use 10.0.0.0/8 for the block, or 10.0.0.7"),
            ("{from: ['unix:']}", ":1", "from", "add their addresses"),
            ("{from: [10.0.0.0/8]}", "unix:///tmp/x.sock", "from", "add `unix:`"),
            ("{from: [10.0.0.0/8], versions: [3]}", ":1", "versions", "use 1, 2 or both"),
            ("{from: [10.0.0.0/8], timeout: -1s}", ":1", "timeout", "use 0s or more"),
        ]
    )
    func faults(keys: String, addr: String, key: String, fix: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try load(Self.text(keys, addr: addr)) }
        #expect(error.key == "tcp.servers.smtp.proxy_protocol.\(key)", "\(error)")
        #expect(error.line == 3, "\(error)")
        #expect("\(error)".contains(fix), "\(error)")
    }
}
