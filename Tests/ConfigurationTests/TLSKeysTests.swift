import Configuration
import TLS
import TestSupport
import Testing

@testable import Application

/// The keys of `tls`.
@Suite struct TLSKeysTests {
    private func text(_ tls: String, _ more: String = "") -> String {
        """
        version: '3'
        server: {command: php}
        tcp:
          servers:
            mail:
              addr: ':465'
              tls: \(tls)
        \(more)
        """
    }

    @Test func everythingLoadsAndIsPrintedAsItLoads() throws {
        let loaded = try load(
            self.text(
                """
                {cert: a.crt, key: /k/a.key, root_ca: ca.pem, client_auth_type: require_and_verify_client_cert,
                      min_version: 1.3, alpn: [smtp, x], handshake_timeout: 3s, strict_sni: true, starttls: true,
                      certificates: [{cert: b.crt, key: b.key}, {cert: c.crt, key: c.key, names: ["*.C.example"]}]}
                """))
        #expect(loaded.warnings.isEmpty)
        let tls = try #require(loaded.settings.tcp.servers.first?.tls)
        var plan = TLSPlan(.init(certificate: "/w/a.crt", key: "/k/a.key"))
        plan.others = [
            .init(certificate: "/w/b.crt", key: "/w/b.key"),
            .init(certificate: "/w/c.crt", key: "/w/c.key", names: ["*.c.example"]),
        ]
        plan.authorities = "/w/ca.pem"
        plan.clients = .requireAndVerify
        plan.minimumVersion = .tls13
        plan.applicationProtocols = ["smtp", "x"]
        plan.isStrict = true
        #expect(tls.plan(in: "/w") == plan)
        #expect(tls.startTLS && tls.handshakeTimeout == .seconds(3))
        let again = try load(loaded.yaml())
        #expect(again.settings == loaded.settings && again.warnings.isEmpty)
    }

    @Test func bothSpellingsOfNobodyAreTaken() throws {
        for word in ["no_client_cert", "no_client_certs"] {
            let loaded = try load(self.text("{cert: a, key: b, client_auth_type: \(word)}"))
            #expect(loaded.settings.tcp.servers.first?.tls?.common.clientAuthType == TLSPlan.ClientAuthentication.none)
        }
    }

    @Test(arguments: [
        ("{}", "tcp.servers.mail.tls.cert: `tls` needs a certificate"),
        ("{cert: a}", "tcp.servers.mail.tls.key: `tls` needs the key"),
        ("{cert: a, key: b, min_version: '1.1'}", "tcp.servers.mail.tls.min_version"),
        ("{cert: a, key: b, alpn: [smtp, é]}", "tcp.servers.mail.tls.alpn: `é` is no protocol's name"),
        ("{cert: a, key: b, client_auth_type: verify}", "tcp.servers.mail.tls.client_auth_type"),
        (
            "{cert: a, key: b, client_auth_type: verify_client_cert_if_given}",
            "`verify_client_cert_if_given` without `root_ca`"
        ),
        ("{cert: a, key: b, certificates: [{cert: c}]}", "tcp.servers.mail.tls.certificates.0.key"),
    ])
    func whatIsWrongIsNamed(tls: String, message: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try load(self.text(tls)) }
        #expect(error?.description.contains(message) == true, "\(error as Any)")
        #expect(error?.line == 7, "\(error as Any)")
    }

    @Test func anAuthorityThatVerifiesNobodyIsAWarning() throws {
        let loaded = try load(self.text("{cert: a, key: b, root_ca: c}"))
        #expect(loaded.warnings.map(\.key) == ["tcp.servers.mail.tls.root_ca"])
    }

    @Test func probesThatMustShowACertificateAreAWarning() throws {
        func keys(_ type: String) throws -> [String?] {
            let status = "status: {address: ':1', tls: {cert: a, key: b, client_auth_type: \(type), root_ca: c}}"
            return try load(self.text("{cert: a, key: b}", status)).warnings.map(\.key)
        }
        #expect(try keys("require_and_verify_client_cert") == ["status.tls.client_auth_type"])
        #expect(try keys("verify_client_cert_if_given") == [])
    }

    @Test func rpcOfThisMachineAloneIsNotEncrypted() throws {
        let more = "rpc: {listen: 'tcp://127.0.0.1:6001', tls: {cert: a, key: b}}"
        #expect(try load(self.text("{cert: a, key: b}", more)).warnings.map(\.key) == ["rpc.tls"])
        let everywhere = more.replacing("127.0.0.1", with: "0.0.0.0")
        #expect(try load(self.text("{cert: a, key: b}", everywhere)).warnings.isEmpty)
    }

    @Test func oneAddressHasOneSection() throws {
        func more(_ metrics: String) -> String {
            """
            status: {address: ':1', tls: {cert: a, key: b}}
            metrics: {address: ':1'\(metrics)}
            """
        }
        #expect(throws: Never.self) { try load(self.text("{cert: a, key: b}", more(""))) }
        #expect(throws: Never.self) { try load(self.text("{cert: a, key: b}", more(", tls: {cert: a, key: b}"))) }
        let error = #expect(throws: ConfigurationError.self) {
            try load(self.text("{cert: a, key: b}", more(", tls: {cert: a, key: c}")))
        }
        #expect(error?.key == "metrics.tls")
    }

    /// What `rr check` and `rr serve` do besides loading.
    @Test func filesAreChecked() throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        try certificates.make("server")
        try certificates.make("other")
        let folder = certificates.directory.path
        func check(_ tls: String, _ more: String = "") throws -> ConfigurationError? {
            do throws(ConfigurationError) {
                let sandbox = try! Sandbox(["rr.yaml": self.text(tls, more)])
                try sandbox.load(workDirectory: sandbox.folder).checkFiles()
                return nil
            } catch {
                return error
            }
        }
        let good = "{cert: \(folder)/server.crt, key: \(folder)/server.key}"
        #expect(try check(good) == nil)
        let pair = try check("\n        cert: \(folder)/server.crt\n        key: \(folder)/other.key")
        #expect(pair?.line == 9 && pair?.key == "tcp.servers.mail.tls.key", "\(pair as Any)")
        #expect(pair?.description.contains("is not the key of \(folder)/server.crt") == true)
        let absent = try check("{cert: here.crt, key: \(folder)/server.key}")
        #expect(
            absent?.key == "tcp.servers.mail.tls.cert" && absent?.message.contains("/here.crt: no such file") == true)
        let second = try check(
            "\n        cert: \(folder)/server.crt\n        key: \(folder)/server.key\n        certificates:\n"
                + "          - {cert: \(folder)/other.crt, key: \(folder)/server.key}")
        #expect(second?.line == 11 && second?.key == "tcp.servers.mail.tls.certificates.0.key", "\(second as Any)")
        let metrics = try check(good, "metrics: {tls: {cert: \(folder)/ca.crt, key: \(folder)/server.key}}")
        #expect(metrics?.key == "metrics.tls.key" && metrics?.line == 8)
        let authority = try check(
            "{cert: \(folder)/server.crt, key: \(folder)/server.key, root_ca: \(folder)/ca.key, "
                + "client_auth_type: require_and_verify_client_cert}")
        #expect(authority?.key == "tcp.servers.mail.tls.root_ca")
    }
}
