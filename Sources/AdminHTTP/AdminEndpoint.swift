import Addresses
import NIOCore
import Observability
import Sockets

/// The services of one address.
package struct AdminEndpoint: Sendable {
    /// `/health` and `/ready`.
    package struct Probes: Sendable {
        /// `status.unavailable_status_code`.
        package var unavailableStatus: Int
        package var report: @Sendable () -> HealthReport

        package init(unavailableStatus: Int, report: @escaping @Sendable () -> HealthReport) {
            self.unavailableStatus = unavailableStatus
            self.report = report
        }
    }

    package var address: ListenAddress
    /// The key or keys of the address, for messages: `status.address`.
    package var key: String
    package var probes: Probes?
    /// Renders the metrics, for every path that is not a probe's.
    package var metrics: (@Sendable () -> PrometheusText)?
    /// Makes the handlers that encrypt a connection; `nil`: in clear.
    package var encryption: (@Sendable () -> [any ChannelHandler])?

    package init(
        address: ListenAddress,
        key: String,
        probes: Probes? = nil,
        metrics: (@Sendable () -> PrometheusText)? = nil,
        encryption: (@Sendable () -> [any ChannelHandler])? = nil
    ) {
        self.address = address
        self.key = key
        self.probes = probes
        self.metrics = metrics
        self.encryption = encryption
    }
}

extension AdminEndpoint {
    struct Answer: Hashable {
        var status: Int
        var contentType: String
        var body: String

        static func plain(_ status: Int, _ text: String) -> Answer {
            Answer(status: status, contentType: "text/plain; charset=utf-8", body: text + "\n")
        }
    }

    /// - Parameter target: Path and query as the client sent them.
    func answer(method: String, target: String) -> Answer {
        guard method == "GET" || method == "HEAD" else {
            return .plain(405, "only GET and HEAD")
        }
        let target = RequestTarget(target)
        if let probes, let fault = Self.probe(target.path) {
            let response = HealthResponse(
                fault: fault(probes.report()),
                unavailable: probes.unavailableStatus,
                plugins: target.plugins
            )
            return Answer(status: response.status, contentType: "application/json", body: response.body)
        }
        if let metrics {
            return Answer(status: 200, contentType: PrometheusText.contentType, body: metrics().text)
        }
        return .plain(404, "there is /health and /ready")
    }

    /// The part of the report that a path asks for.
    private static func probe(_ path: String) -> ((HealthReport) -> String?)? {
        switch path {
        case "/health", "/health/": { $0.healthFault }
        case "/ready", "/ready/": { $0.readyFault }
        default: nil
        }
    }
}
