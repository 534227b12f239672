/// How a listener encrypts: files and rules, as they were configured. What the files hold is ``TLSContexts``.
package struct TLSPlan: Hashable, Sendable {
    /// A certificate with those that it is signed by, and its key: two files in PEM, by absolute paths.
    package struct Identity: Hashable, Sendable {
        package var certificate: String
        package var key: String
        /// The names that it is shown for, in lower case, `*.` in front for one more label; empty: those that it has.
        package var names: [String]

        package init(certificate: String, key: String, names: [String] = []) {
            self.certificate = certificate
            self.key = key
            self.names = names
        }
    }

    /// What is asked of clients, by RoadRunner's names.
    package enum ClientAuthentication: String, Hashable, Sendable, CaseIterable {
        case none = "no_client_cert"
        /// A certificate is asked for, and whatever comes is taken.
        case request = "request_client_cert"
        case requireAny = "require_any_client_cert"
        case verifyIfGiven = "verify_client_cert_if_given"
        case requireAndVerify = "require_and_verify_client_cert"

        /// Whether certificates must be signed by an authority that is trusted.
        package var verifies: Bool {
            switch self {
            case .verifyIfGiven, .requireAndVerify: true
            case .none, .request, .requireAny: false
            }
        }

        /// Whether nobody gets in without a certificate.
        package var requiresCertificate: Bool {
            switch self {
            case .requireAny, .requireAndVerify: true
            case .none, .request, .verifyIfGiven: false
            }
        }
    }

    package enum Version: String, Hashable, Sendable, CaseIterable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// Of clients that want no name, or one that no other has.
    package var standard: Identity
    package var others: [Identity]
    /// A file of authorities in PEM.
    package var authorities: String?
    package var clients: ClientAuthentication
    package var minimumVersion: Version
    /// In the order of preference.
    package var applicationProtocols: [String]
    /// Whether clients that want a name that no certificate has are refused.
    package var isStrict: Bool

    package init(
        _ standard: Identity,
        others: [Identity] = [],
        authorities: String? = nil,
        clients: ClientAuthentication = .none,
        minimumVersion: Version = .tls12,
        applicationProtocols: [String] = [],
        isStrict: Bool = false
    ) {
        self.standard = standard
        self.others = others
        self.authorities = authorities
        self.clients = clients
        self.minimumVersion = minimumVersion
        self.applicationProtocols = applicationProtocols
        self.isStrict = isStrict
    }

    /// A host's name as it is compared: in lower case, without the dot of the root.
    package static func name(_ text: some StringProtocol) -> String {
        let name = text.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }

    var identities: [Identity] {
        [self.standard] + self.others
    }
}

/// A file that cannot be used.
package struct TLSFault: Error, Hashable, Sendable, CustomStringConvertible {
    package enum File: Hashable, Sendable {
        /// Of an identity: 0 is the standard one, 1 the first of the others.
        case certificate(Int)
        case key(Int)
        case authorities
    }

    package var file: File
    package var path: String
    package var reason: String
    package var fix: String

    package var description: String {
        "\(self.path): \(self.reason) (\(self.fix))"
    }
}
