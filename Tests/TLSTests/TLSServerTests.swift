import Foundation
import TestSupport
import Testing

@testable import TLS

@Suite struct TLSServerTests {
    private func plan(_ certificates: Certificates, _ name: String = "server") -> TLSPlan {
        TLSPlan(.init(certificate: certificates.file("\(name).crt"), key: certificates.file("\(name).key")))
    }

    private func fault(_ plan: TLSPlan) -> TLSFault? {
        do throws(TLSFault) {
            _ = try TLSContexts(plan)
            return nil
        } catch {
            return error
        }
    }

    @Test func filesThatCannotBeUsed() throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        try certificates.make("server")
        try certificates.make("other")
        try certificates.openssl("pkey -in server.key -aes128 -passout pass:x -out encrypted.key")
        try certificates.openssl("ec -in server.key -aes128 -passout pass:x -out old.key")
        try certificates.directory.write("", to: "empty")
        try certificates.directory.write(
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", to: "damaged")
        try certificates.directory.write(
            "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", to: "half.key")
        func check(
            _ certificate: String, _ key: String, _ file: TLSFault.File, _ reason: String,
            location: SourceLocation = #_sourceLocation
        ) {
            var plan = self.plan(certificates)
            plan.standard = .init(certificate: certificates.file(certificate), key: certificates.file(key))
            let fault = self.fault(plan)
            #expect(fault?.file == file, "\(fault as Any)", sourceLocation: location)
            #expect(fault?.reason.contains(reason) == true, "\(fault as Any)", sourceLocation: location)
        }
        #expect(self.fault(self.plan(certificates)) == nil)
        check("none.crt", "server.key", .certificate(0), "no such file")
        check("empty", "server.key", .certificate(0), "is empty")
        check(".", "server.key", .certificate(0), "is a directory")
        check("damaged", "server.key", .certificate(0), "damaged")
        check("server.key", "server.key", .certificate(0), "is a key, not a certificate")
        check("server.crt", "server.crt", .key(0), "is a certificate, not a key")
        check("server.crt", "half.key", .key(0), "damaged")
        check("server.crt", "encrypted.key", .key(0), "the key is encrypted")
        check("server.crt", "old.key", .key(0), "the key is encrypted")
        check("server.crt", "other.key", .key(0), "is not the key of")

        var plan = self.plan(certificates)
        plan.others = [.init(certificate: certificates.file("other.crt"), key: certificates.file("server.key"))]
        #expect(self.fault(plan)?.file == .key(1))
        plan.others = []
        plan.authorities = certificates.file("server.key")
        #expect(self.fault(plan)?.file == .authorities)
    }

    @Test func namesChooseCertificates() throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        try certificates.make("server", names: "DNS:mail.example")
        try certificates.make("wild", names: "DNS:*.example")
        try certificates.make("given", names: "DNS:unused.example")
        func pair(_ name: String, _ names: [String] = []) -> TLSPlan.Identity {
            .init(certificate: certificates.file("\(name).crt"), key: certificates.file("\(name).key"), names: names)
        }
        var plan = self.plan(certificates)
        plan.others = [pair("wild"), pair("given", ["a.b", "*.c"])]
        let contexts = try TLSContexts(plan)
        let standard = contexts.context(for: nil)
        #expect(standard === contexts.context(for: "mail.example"))
        #expect(standard === contexts.context(for: "nobody.test"))
        #expect(standard === contexts.context(for: "unused.test"))
        let wild = try #require(contexts.context(for: "other.example"))
        #expect(wild !== standard && wild === contexts.context(for: "unused.example"))
        #expect(contexts.context(for: "two.labels.example") === standard)
        let given = try #require(contexts.context(for: "a.b"))
        #expect(given !== standard && given !== wild && given === contexts.context(for: "x.c"))
        plan.isStrict = true
        let strict = try TLSContexts(plan)
        #expect(strict.context(for: "nobody.test") == nil)
        #expect(strict.context(for: nil) === strict.standard)
        #expect(strict.expiries.count == 3)
        #expect(strict.expiries.allSatisfy { $0.notAfter > Int(Date().timeIntervalSince1970) })
    }

    @Test func changedFilesAreReadAnew() throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        // As Kubernetes does: files are links through a link that is swapped.
        let manager = FileManager.default
        for version in ["1", "2"] {
            try certificates.make("server")
            let folder = certificates.file(version)
            try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for name in ["server.crt", "server.key"] {
                try manager.moveItem(atPath: certificates.file(name), toPath: "\(folder)/\(name)")
            }
        }
        func link(_ target: String) throws {
            try manager.createSymbolicLink(atPath: certificates.file("new"), withDestinationPath: target)
            #expect(rename(certificates.file("new"), certificates.file("data")) == 0)
        }
        try link("1")
        let plan = TLSPlan(
            .init(certificate: certificates.file("data/server.crt"), key: certificates.file("data/server.key")))
        let server = try TLSServer(plan)
        let first = server.contexts
        #expect(server.refresh() == .unchanged)
        try link("2")
        #expect(server.refresh() == .renewed)
        #expect(server.contexts !== first && server.refresh() == .unchanged)
        // Half of a pair: told once, and the old one stays.
        let second = server.contexts
        try manager.removeItem(atPath: certificates.file("2/server.key"))
        try manager.copyItem(atPath: certificates.file("1/server.key"), toPath: certificates.file("2/server.key"))
        guard case .failed(let fault) = server.refresh() else {
            Issue.record("no failure")
            return
        }
        #expect(fault.file == .key(0))
        #expect(server.contexts === second && server.refresh() == .unchanged)
        try link("1")
        #expect(server.refresh() == .renewed)
    }
}
