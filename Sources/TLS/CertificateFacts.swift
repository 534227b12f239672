import Glibc
import NIOSSL

/// What workers are told about a client's certificate.
package struct CertificateFacts: Hashable, Sendable {
    /// As in RFC 4514: `CN=device-17,O=Acme`. Empty if it cannot be read.
    package var subject: String
    /// The alternative names: `DNS:device.example`, `IP:10.0.0.7`, `email:…`, `URI:…`.
    package var names: [String]
    /// In upper-case hexadecimal digits, as OpenSSL prints it.
    package var serial: String
    /// The SHA-256 of its DER, in lower-case hexadecimal digits.
    package var fingerprint: String
    /// In UTC, as in RFC 3339: `2027-01-31T23:59:59Z`.
    package var notAfter: String

    package init(_ certificate: NIOSSLCertificate) {
        let bytes = (try? certificate.toDERBytes()) ?? []
        self.subject = DistinguishedName.subject(ofCertificate: bytes) ?? ""
        self.names = certificate._subjectAlternativeNames().compactMap { Self.text($0) }
        self.serial = Self.hexadecimal(certificate.serialNumber).uppercased()
        self.fingerprint = Self.hexadecimal(SHA256.digest(bytes))
        self.notAfter = Self.text(ofTime: certificate.notValidAfter)
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

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static let digits = Array("0123456789abcdef".utf8)

    static func text(ofTime time: time_t) -> String {
        var (time, parts) = (time, tm())
        gmtime_r(&time, &parts)
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour)):"
            + "\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
