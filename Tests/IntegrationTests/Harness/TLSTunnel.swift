import Foundation
import TestSupport

/// With `RR_TEST_TLS=1` servers have `tls`, and clients come through a tunnel that encrypts: `Fixtures/tls_tunnel.py`. It
/// sends PROXY headers, so that workers see the clients' own addresses.
enum TLSTunnel {
    static let isWanted = ProcessInfo.processInfo.environment["RR_TEST_TLS"] == "1"

    /// Made once for all tests.
    private static let certificates = Result {
        let certificates = try Certificates()
        try certificates.make("server", names: "DNS:localhost")
        return certificates
    }

    /// Lines of a server that has a tunnel.
    static var options: [String] {
        guard let certificates = try? self.certificates.get() else {
            return ["tls: the certificates could not be made"]
        }
        let pair = "cert: \(certificates.file("server.crt")), key: \(certificates.file("server.key"))"
        return ["tls: {\(pair)}", "proxy_protocol: {from: [127.0.0.0/8]}"]
    }

    /// Starts the tunnels of some servers; `nil` if none has one.
    static func start(_ servers: [Settings.Server]) throws -> ChildProcess? {
        let pairs = servers.compactMap(\.tunnel).map { "\($0.from):\($0.to)" }
        guard !pairs.isEmpty else {
            return nil
        }
        let process = try ChildProcess(
            ["/usr/bin/env", "python3", "\(Fixture.directory)/tls_tunnel.py"] + pairs,
            environment: Command.environment, directory: "/tmp")
        do {
            try process.standardOutput.await("ready")
        } catch {
            process.send(signal: SIGKILL)
            throw StartFailure(reason: "the tunnel does not start: \(error)", log: process.standardError.text)
        }
        return process
    }
}
