import Foundation
import NIOSSL
import TestSupport
import Testing
import Text

@testable import TLS

@Suite struct CertificateTests {
    @Test func digests() {
        func hexadecimal(_ text: String) -> String {
            SHA256.digest(Array(text.utf8)).hexadecimal
        }
        // FIPS 180-4's own.
        #expect(hexadecimal("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hexadecimal("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hexadecimal("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(
            hexadecimal(String(repeating: "a", count: 1_000_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func factsAreThoseOfOpenSSL() throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        try certificates.make(
            "device", subject: "/C=DE/O=Acme,Inc./CN=device#17",
            names: "DNS:device.example,IP:10.0.0.7,IP:2001:db8::1,email:a@b.c,URI:urn:x")
        let facts = CertificateFacts(try NIOSSLCertificate.fromPEMFile(certificates.file("device.crt"))[0])
        func openssl(_ option: String) throws -> String {
            let line = try certificates.openssl("x509 -in device.crt -noout -nameopt RFC2253 \(option)")
            return String(line.drop { $0 != "=" }.dropFirst().dropLast())
        }
        #expect(facts.subject == #"CN=device#17,O=Acme\,Inc.,C=DE"#)
        #expect(try facts.subject == openssl("-subject"))
        #expect(try facts.serial == openssl("-serial"))
        #expect(
            try facts.fingerprint == openssl("-fingerprint -sha256").replacing(":", with: "").lowercased())
        #expect(
            facts.names == [
                "DNS:device.example", "IP:10.0.0.7", "IP:2001:db8::1", "email:a@b.c", "URI:urn:x",
            ])
        let end = try openssl("-enddate -dateopt iso_8601")
        #expect(facts.notAfter == end.replacing(" ", with: "T"))
        #expect(CertificateFacts.text(ofTime: 951_827_696) == "2000-02-29T12:34:56Z")
    }

    /// They are in every event of a connection, and a client may have made the certificate itself.
    @Test func factsAreBounded() throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        let names = (0..<400).map { "DNS:host-\($0).example" }
        try certificates.make(
            "large",
            subject: "/O=" + Array(repeating: String(repeating: "x", count: 60), count: 20).joined(separator: "/OU="),
            names: names.joined(separator: ","))
        let certificate = try NIOSSLCertificate.fromPEMFile(certificates.file("large.crt"))[0]
        let facts = CertificateFacts(certificate)
        #expect(facts.subject.isEmpty && facts.names.joined().utf8.count <= 2048)
        #expect(facts.names == Array(names.prefix(facts.names.count)) && facts.names.count > 50)
        #expect(CertificateFacts.names(of: certificate) == names)
    }

    @Test func anyBytesAreNoSubject() throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        let whole = try NIOSSLCertificate.fromPEMFile(certificates.file("ca.crt"))[0].toDERBytes()
        #expect(DistinguishedName.subject(ofCertificate: whole) == "CN=ca")
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<5_000 {
            var bytes = Array(whole.prefix(Int.random(in: 1...whole.count, using: &generator)))
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            _ = DistinguishedName.subject(ofCertificate: bytes)
        }
    }
}
