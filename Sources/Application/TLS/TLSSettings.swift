import Configuration
import TLS

/// `tls` of a listener: files, relative ones from the working directory, by RoadRunner's names.
struct TLSSettings: Sendable, Equatable {
    var certificate = ""
    var key = ""
    /// Empty for none.
    var rootCA = ""
    var clientAuthType = TLSPlan.ClientAuthentication.none
    var minVersion = TLSPlan.Version.tls12

    /// - Parameter marks: Of all its keys.
    private static func keys(marks: KeyMarks) -> Section<Self> {
        Section(Self()) {
            Key(
                "cert", \.certificate, .text("file"), marks: marks,
                "The certificate, then those that it is signed by, in PEM. See [TLS](tls.md).",
                required: MissingKey("`tls` needs a certificate", fix: "add `cert: FILE`, or remove `tls`")
            )
            Key(
                "key", \.key, .text("file"), marks: marks, "Its key, in PEM, not encrypted.",
                required: MissingKey("`tls` needs the key of its certificate", fix: "add `key: FILE`")
            )
            Key(
                "root_ca", \.rootCA, .text("file"), marks: marks,
                "The authorities that clients' certificates are verified by."
            )
            Key(
                "client_auth_type", \.clientAuthType, .choice(aliases: ["no_client_certs": .none]), marks: marks,
                "What is asked of clients; with `verify` in its name it needs `root_ca`."
            )
            Key("min_version", \.minVersion, .choice(), marks: marks, "The oldest version of TLS.")
        } check: { reader, tls throws(ConfigurationError) in
            try tls.check(&reader)
        }
    }

    /// Of listeners that a reload leaves as they are.
    static let atStart = keys(marks: [.ours, .atStart])
    static let section = keys(marks: .ours)

    fileprivate func check(_ reader: inout SectionReader) throws(ConfigurationError) {
        if self.rootCA.isEmpty, self.clientAuthType.verifies {
            // RoadRunner lets everybody in then.
            let place = reader.source["client_auth_type"]?.value.place ?? reader.place
            throw place.error(
                .missingValue, "`\(self.clientAuthType.rawValue)` without `root_ca`: by what would it verify?",
                key: reader.path("client_auth_type"), fix: "add `root_ca: FILE`")
        }
        if !self.rootCA.isEmpty, !self.clientAuthType.verifies {
            let place = reader.source["root_ca"]?.value.place ?? reader.place
            reader.diagnostics.warn(
                place.warning(
                    "with `client_auth_type: \(self.clientAuthType.rawValue)` nobody is verified; "
                        + "use `require_and_verify_client_cert`", key: reader.path("root_ca")))
        }
    }

    func plan(in workDirectory: String) -> TLSPlan {
        func path(_ text: String) -> String { FilePath.absolute(text, in: workDirectory) }
        return TLSPlan(
            TLSPlan.Identity(certificate: path(self.certificate), key: path(self.key)),
            authorities: self.rootCA.isEmpty ? nil : path(self.rootCA),
            clients: self.clientAuthType,
            minimumVersion: self.minVersion
        )
    }
}

/// `tcp.servers.<name>.tls`.
struct ListenerTLSSettings: Sendable, Equatable {
    var common = TLSSettings()
    var certificates: [NamedCertificateSettings] = []
    var strictSNI = false
    var alpn: [String] = []
    var handshakeTimeout = Duration.seconds(10)
    var startTLS = false

    static let section = Section(Self(), including: TLSSettings.section.keys(within: \.common)) {
        Key(
            "certificates", \.certificates, list: NamedCertificateSettings.section, most: 1000, marks: .ours,
            range: "1…1000 sections",
            "Others, by the name that a client wants: `cert`, `key`, and `names`, or those that the certificate has."
        )
        Key(
            "strict_sni", \.strictSNI, .bool, marks: .ours,
            "Refuse clients that want a name that no certificate is for."
        )
        Key("alpn", \.alpn, .list, marks: .ours, "Application protocols, the preferred one first.", default: "none")
        Key(
            "handshake_timeout", \.handshakeTimeout, .duration(.zeroIsDefault), marks: .ours,
            "From the accept, or from STARTTLS, to the end of the handshake."
        )
        Key(
            "starttls", \.startTLS, .bool, marks: .ours,
            "Connections begin in clear; a worker's answer `STARTTLS` encrypts them."
        )
    } check: { reader, tls throws(ConfigurationError) in
        try tls.common.check(&reader)
        guard let long = tls.alpn.first(where: { $0.utf8.count > 255 }), let entry = reader.source["alpn"] else {
            return
        }
        throw entry.value.place.error(
            .invalidValue, "`\(long.prefix(20))…` is longer than 255 bytes", key: reader.path("alpn"), fix: "shorten it"
        )
    }

    func plan(in workDirectory: String) -> TLSPlan {
        var plan = self.common.plan(in: workDirectory)
        plan.others = self.certificates.map {
            TLSPlan.Identity(
                certificate: FilePath.absolute($0.certificate, in: workDirectory),
                key: FilePath.absolute($0.key, in: workDirectory), names: $0.names.map { $0.lowercased() })
        }
        plan.isStrict = self.strictSNI
        plan.applicationProtocols = self.alpn
        return plan
    }
}

/// `tcp.servers.<name>.tls.certificates`.
struct NamedCertificateSettings: Sendable, Equatable {
    var certificate = ""
    var key = ""
    var names: [String] = []

    static let section = Section(Self()) {
        Key(
            "cert", \.certificate, .text("file"), marks: .ours, "",
            required: MissingKey("a certificate needs `cert`", fix: "add `cert: FILE`"))
        Key(
            "key", \.key, .text("file"), marks: .ours, "",
            required: MissingKey("a certificate needs `key`", fix: "add `key: FILE`"))
        Key("names", \.names, .list, marks: .ours)
    }
}
