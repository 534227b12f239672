import Foundation
import TestSupport
import Testing

extension Integration {
    /// The repository's own `.rr.yaml` with the workers in `examples/`.
    @Suite struct Examples {
        @Test("The echo service answers, shows what it sees, and says bye")
        func echo() async throws {
            try await self.withExample { rr, _ in
                let client = try rr.client("echo")
                #expect(try client.ask("hello") == "hello")
                let seen = try client.ask("inspect")
                #expect(seen.contains(client.localAddress) && seen.contains(#""server":"echo""#), "\(seen)")
                try client.send("quit\r\n")
                #expect(try client.readToEnd().text == "bye\r\n")
            }
        }

        @Test("Mails from 0 bytes to 6 MB arrive to the byte from a real client, in several sessions at once")
        func smtp() async throws {
            try await self.withExample { rr, mails in
                let port = try #require(try rr.endpoint("smtp").port)
                let result = try Command.run(
                    ["/usr/bin/env", "python3", "\(Fixture.directory)/smtp_client.py", "\(port)", mails, "3"],
                    environment: ["PYTHONDONTWRITEBYTECODE": "1"],
                    within: .seconds(90)
                )
                #expect(result.exit == .code(0), "\(result.output)\n\(result.errors)")
            }
        }

        @Test("The SMTP server offers STARTTLS where the server has it")
        func startTLS() async throws {
            let certificates = try TLS.certificates()
            defer { certificates.remove() }
            let pair = ["cert=\(certificates.file("server.crt"))", "key=\(certificates.file("server.key"))"]
            let overrides = (pair + ["starttls=true"]).flatMap { ["-o", "tcp.servers.smtp.tls.\($0)"] }
            try await self.withExample(overrides) { rr, mails in
                let port = try #require(try rr.endpoint("smtp").port)
                let client = try Command.run([
                    "/usr/bin/env", "python3", "\(Fixture.directory)/tls_client.py", "\(port)",
                    certificates.directory.path, "smtp",
                ])
                #expect(client.exit == .code(0), "\(client.output)\n\(client.errors)")
                let new = try FileManager.default.contentsOfDirectory(atPath: "\(mails)/new")
                let mail = try String(contentsOfFile: "\(mails)/new/\(#require(new.first))", encoding: .utf8)
                #expect(mail == "Subject: hi\r\n\r\nencrypted\r\n")
            }
        }

        /// - Parameter body: gets the directory where mails are stored, too
        private func withExample(
            _ arguments: [String] = [], _ body: (RRProcess, String) async throws -> Void
        ) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let mails = directory.file("mail")
            var settings = try Settings(.init("echo"), .init("smtp"))
            settings.file = "\(Fixture.root)/.rr.yaml"
            settings.arguments = settings.servers.flatMap { server in
                ["-o", "tcp.servers.\(server.name).addr=\(server.endpoint.address)"]
            }
            settings.arguments += ["-o", "rpc.listen=unix://\(directory.file("rpc.sock"))"]
            settings.arguments += arguments
            settings.ownEnvironment = ["SMTP_MAIL_DIR": mails]
            try await withRR(settings) { rr in
                try await body(rr, mails)
            }
        }
    }
}
