import Edge
import NIOCore
import NIOSSL

extension EdgeFailure {
    /// Why a handshake failed.
    ///
    /// - Parameter error: What the library's handler has told.
    init(ofHandshake error: any Error) {
        let text = "\(error)"
        let words = TLSWords.reason(text)
        if text.contains("EOF during") {
            self.init(.incomplete, "the client ended the connection in the handshake")
        } else if error is IOError {
            self.init(.incomplete, "the connection broke in the handshake")
        } else if let known = TLSWords.known.first(where: { words.contains($0.part) }) {
            self.init(known.cause, known.text)
        } else if words.contains("alert") {
            self.init(.tlsRefused, "the client refused: \(words)")
        } else {
            self.init(.tlsError, words)
        }
    }
}

/// What the library's errors are in words.
package enum TLSWords {
    fileprivate static let known: [(part: String, cause: EdgeFailure.Cause, text: String)] = [
        ("unsupported protocol", .tlsVersion, "the client speaks none of the versions that are allowed"),
        ("wrong version number", .tlsVersion, "the client speaks none of the versions that are allowed"),
        ("no shared cipher", .tlsCipher, "the client knows none of the ciphers"),
        ("no shared group", .tlsCipher, "the client knows none of the curves"),
        // An alert in clear, where one that is encrypted must follow: OpenSSL's clients send it so.
        ("bad packet length", .tlsRefused, "the client refused; most likely it does not trust the certificate"),
        ("no common signature", .tlsCipher, "the client knows no signature that the certificate allows"),
        ("peer did not return a certificate", .clientCertificate, "the client shows no certificate"),
        ("certificate verify failed", .clientCertificate, "the client's certificate is not trusted"),
    ]

    /// The words of the library's own reason; what is around them names its source files.
    package static func reason(_ text: String) -> String {
        let mark = "OPENSSL_internal:"
        guard let start = text.firstRange(of: mark) else {
            return text.split(separator: "\n").joined(separator: " ")
        }
        return text[start.upperBound...].prefix { $0 != " " }.lowercased().split(separator: "_").joined(separator: " ")
    }
}
