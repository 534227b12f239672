import Glibc
import NIOSSL
import Text

/// What workers are told about a client's certificate.
package struct CertificateFacts: Hashable, Sendable {
    /// As in RFC 4514: `CN=device-17,O=Acme`. Empty if it cannot be read, or is longer than 1 KiB: a part of it could be
    /// another's.
    package var subject: String
    /// The alternative names: `DNS:device.example`, `IP:10.0.0.7`, `email:…`, `URI:…`. At most 2 KiB of them.
    package var names: [String]
    /// In upper-case hexadecimal digits, as OpenSSL prints it.
    package var serial: String
    /// The SHA-256 of its DER, in lower-case hexadecimal digits.
    package var fingerprint: String
    /// In UTC, as in RFC 3339: `2027-01-31T23:59:59Z`.
    package var notAfter: String

    // They are in every event, and clients make their own certificates where those are not verified. In bytes.
    private static let longestSubject = 1024
    private static let mostOfNames = 2048
    /// RFC 5280 has 20.
    private static let longestSerial = 64

    package init(_ certificate: NIOSSLCertificate) {
        let bytes = (try? certificate.toDERBytes()) ?? []
        let subject = DistinguishedName.subject(ofCertificate: bytes) ?? ""
        self.subject = subject.utf8.count <= Self.longestSubject ? subject : ""
        var left = Self.mostOfNames
        self.names = Self.names(of: certificate).filter { name in
            left -= name.utf8.count
            return left >= 0
        }
        self.serial = certificate.serialNumber.prefix(Self.longestSerial).hexadecimal.uppercased()
        self.fingerprint = SHA256.digest(bytes).hexadecimal
        self.notAfter = Self.text(ofTime: certificate.notValidAfter)
    }

    /// All alternative names, as in ``names``.
    static func names(of certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().compactMap { self.text($0) }
    }

    private static func text(_ name: _SubjectAlternativeName) -> String? {
        let bytes = name.contents.withUnsafeBufferPointer { Array($0) }
        switch name.nameType {
        case .dnsName: return "DNS:" + String(decoding: bytes, as: UTF8.self)
        case .email: return "email:" + String(decoding: bytes, as: UTF8.self)
        case .uri: return "URI:" + String(decoding: bytes, as: UTF8.self)
        case .ipAddress: return self.text(ofAddress: bytes).map { "IP:" + $0 }
        default: return nil
        }
    }

    private static func text(ofAddress bytes: [UInt8]) -> String? {
        let family: CInt
        switch bytes.count {
        case 4: family = AF_INET
        case 16: family = AF_INET6
        default: return nil
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func text(ofTime time: time_t) -> String {
        let date = CalendarDate(timespec(tv_sec: time, tv_nsec: 0))
        return "\(date.day)T\(date.time())Z"
    }
}
