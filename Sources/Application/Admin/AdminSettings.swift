import Addresses
import Configuration
import TLS

/// `status`: the probes.
package struct StatusSettings: Sendable, Equatable {
    package var address = ListenAddress.tcp(host: "", port: 0)
    var unavailableStatusCode = 503
    /// How long a probe's connection may be idle.
    var checkTimeout = Duration.seconds(60)
    /// How long the service may be without workers, and unable to start any, before `/health` fails. Zero: never.
    var unavailableAfter = Duration.zero
    /// `nil`: in clear.
    var tls: TLSSettings?

    package var isEncrypted: Bool { self.tls != nil }

    static let section = Section(Self()) {
        Key(
            "address", \.address, .address, marks: .atStart, "[Health and readiness probes](#probes-and-metrics).",
            required: MissingKey(
                "the section `status` needs an address", fix: "add `address: 127.0.0.1:2114`, or remove the section")
        )
        Key(
            // Any other status would report success to a probe, or redirect it.
            "unavailable_status_code", \.unavailableStatusCode, .integer(in: 400...599, zeroIsDefault: true),
            marks: .atStart, "What a probe that fails answers."
        )
        Key(
            "check_timeout", \.checkTimeout, .duration(.zeroIsDefault, wholeNumbersAre: .seconds(1)), marks: .atStart,
            "How long a connection of a probe may rest after an answer."
        )
        Key(
            "unavailable_after", \.unavailableAfter, .duration(.zeroAllowed), marks: [.ours, .atStart],
            "How long there may be no worker, and none be startable, before `/health` fails. 0: it never does."
        )
        Key("tls", \.tls, section: TLSSettings.atStart)
    } check: { reader, settings throws(ConfigurationError) in
        guard let tls = settings.tls, tls.clientAuthType.requiresCertificate else { return }
        let place = reader.source.mapping("tls")?["client_auth_type"]?.value.place ?? reader.place
        reader.diagnostics.warn(
            place.warning(
                "`\(tls.clientAuthType.rawValue)`: `rr health`, and whatever probes without a certificate, fails; use "
                    + "`verify_client_cert_if_given`",
                key: "\(reader.path("tls")).client_auth_type"))
    }
}

/// `metrics`: the Prometheus endpoint.
struct MetricsSettings: Sendable, Equatable {
    var address = ListenAddress.tcp(host: "127.0.0.1", port: 2112)
    /// Metrics of the application, by name in lower case.
    var collect: [String: CollectorSettings] = [:]
    /// `nil`: in clear.
    var tls: TLSSettings?

    static let section = Section(Self()) {
        Key(
            "address", \.address, .address, marks: .atStart,
            "[Prometheus](#probes-and-metrics), when there is a `metrics` section; may be the same as "
                + "`status.address`."
        )
        Key("tls", \.tls, section: TLSSettings.atStart)
        Key("collect", \.collect, named: CollectorSettings.section, prototype: { _, _ in CollectorSettings() })
    } check: { reader, settings throws(ConfigurationError) in
        try settings.checkCollectors(reader)
    }
}
