import Addresses
import Foundation
import NIOCore
import RedisClient
import TestSupport
import Testing

/// An authority, a server's certificate for `localhost` and 127.0.0.1, and a client's, made by `openssl`.
private struct Certificates {
    let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
        try self.directory.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n", to: "names")
        for name in ["ca", "other"] {
            try self.openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=\(name) -keyout \(name).key -out \(name).crt"
            )
        }
        for name in ["server", "client"] {
            try self.openssl(
                "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=\(name) -keyout \(name).key -out \(name).csr"
            )
            try self.openssl(
                "x509 -req -in \(name).csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out \(name).crt"
            )
        }
    }

    func file(_ name: String) -> String { self.directory.file(name) }

    private func openssl(_ words: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + words.split(separator: " ").map { String($0) }
        process.currentDirectoryURL = URL(fileURLWithPath: self.directory.path)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(words)")
    }

    func server(verifiesClients: Bool) throws -> RedisServer {
        try RedisServer([
            "--bind", "127.0.0.1", "127.0.0.2", "--port", "0", "--tls-port", "PORT", "--tls-cert-file",
            self.file("server.crt"), "--tls-key-file",
            self.file("server.key"), "--tls-ca-cert-file", self.file("ca.crt"), "--tls-auth-clients",
            verifiesClients ? "yes" : "no",
        ])
    }

    var identity: RedisTLS.Identity {
        RedisTLS.Identity(certificate: self.file("client.crt"), key: self.file("client.key"))
    }
}

@Suite struct RedisTLSTests {
    private func result(
        _ tls: RedisTLS, _ host: String, _ server: RedisServer, within timeout: TimeAmount = .seconds(30)
    ) async throws -> Result<
        RESPValue, RedisError
    > {
        let context = try tls.context()
        let client = RedisClient.started(.single(.tcp(host: host, port: server.port))) {
            $0.tls = context
            $0.dialTimeout = timeout
        }
        let result = await client.results([RedisCommand(["PING"])])[0]
        await client.close()
        return result
    }

    private func text(_ result: Result<RESPValue, RedisError>) -> String {
        guard case .failure(let error) = result else { return "" }
        return error.text
    }

    @Test func serversAreVerified() async throws {
        let certificates = try Certificates()
        defer { certificates.directory.remove() }
        let server = try certificates.server(verifiesClients: false)
        defer { server.kill() }
        let ours = RedisTLS(rootCA: certificates.file("ca.crt"))
        #expect(try await self.result(ours, "localhost", server) == .success(.text("PONG")))
        #expect(try await self.result(ours, "127.0.0.1", server) == .success(.text("PONG")))
        // An address that is not in the certificate.
        let misnamed = try await self.result(ours, "127.0.0.2", server)
        #expect(self.text(misnamed).hasSuffix("tls: the certificate is not for 127.0.0.2"), "\(misnamed)")
        for other in [RedisTLS(), RedisTLS(rootCA: certificates.file("other.crt"))] {
            let refused = try await self.result(other, "localhost", server)
            #expect(self.text(refused).hasSuffix("tls: certificate verify failed"), "\(refused)")
        }
    }

    @Test func clientsAreVerified() async throws {
        let certificates = try Certificates()
        defer { certificates.directory.remove() }
        let server = try certificates.server(verifiesClients: true)
        defer { server.kill() }
        let known = RedisTLS(identity: certificates.identity, rootCA: certificates.file("ca.crt"))
        #expect(try await self.result(known, "localhost", server) == .success(.text("PONG")))
        let unknown = try await self.result(RedisTLS(rootCA: certificates.file("ca.crt")), "localhost", server)
        #expect(self.text(unknown).hasSuffix("tls: tlsv1 alert certificate required"), "\(unknown)")
    }

    @Test func aServerWithoutTLSFailsCalls() async throws {
        let certificates = try Certificates()
        defer { certificates.directory.remove() }
        let server = try RedisServer()
        defer { server.kill() }
        // It waits for the rest of what it takes for a command.
        let result = try await self.result(
            RedisTLS(rootCA: certificates.file("ca.crt")), "localhost", server, within: .seconds(1))
        #expect(!self.text(result).isEmpty, "\(result)")
    }

    @Test func filesThatCannotBeUsed() throws {
        let certificates = try Certificates()
        defer { certificates.directory.remove() }
        func fault(_ tls: RedisTLS) -> RedisTLS.Fault.File? {
            do throws(RedisTLS.Fault) {
                _ = try tls.context()
                return nil
            } catch {
                return error.file
            }
        }
        let (crt, key) = (certificates.file("client.crt"), certificates.file("client.key"))
        #expect(fault(RedisTLS(identity: certificates.identity)) == nil)
        #expect(fault(RedisTLS(rootCA: certificates.file("none"))) == .rootCA)
        #expect(fault(RedisTLS(rootCA: certificates.file("names"))) == .rootCA)
        #expect(fault(RedisTLS(identity: .init(certificate: certificates.file("none"), key: key))) == .certificate)
        #expect(fault(RedisTLS(identity: .init(certificate: crt, key: certificates.file("none")))) == .key)
        // Of another certificate.
        #expect(fault(RedisTLS(identity: .init(certificate: crt, key: certificates.file("server.key")))) == .key)
    }
}
