import Addresses
import AdminHTTP
import Features
import Logging
import NIOCore
import Observability
import Sockets
import Synchronization
import TLS

/// Probes and metrics, if configured: served from before the first worker starts until the last one is gone.
final class AdminFeature: Feature {
    private let status: StatusSettings?
    private let metrics: MetricsSettings?
    private let tls: TLSFeature
    private let plans: [(key: String, plan: TLSPlan)]
    private let logger: Logger
    private let server = Mutex<AdminServer?>(nil)

    /// - Parameter workDirectory: Relative files of `tls` are there.
    init(_ settings: Settings, tls: TLSFeature, workDirectory: String, logger: Logger) {
        self.status = settings.status
        self.metrics = settings.metrics
        self.tls = tls
        self.plans = settings.tlsPlans(in: workDirectory).filter { [Self.statusKey, Self.metricsKey].contains($0.key) }
        self.logger = logger
    }

    /// - Throws: `AdminError` when an address cannot be listened on.
    func start(_ service: ServiceView) async throws {
        guard self.status != nil || self.metrics != nil else {
            return
        }
        let plans = self.plans
        let certificates = try await BlockingCall.run { try TLSFeature.servers(plans) }
        let endpoints = self.endpoints(service, certificates)
        let server = try await AdminServer.start(
            endpoints,
            idleTimeout: TimeAmount(clamping: self.status?.checkTimeout ?? .seconds(60)),
            logger: self.logger
        )
        self.server.withLock { $0 = server }
        self.tls.add(certificates)
        for (key, address) in server.addresses {
            self.logger.info("listening", metadata: ["key": "\(key)", "address": "\(address)"])
        }
    }

    func stop() async {
        let server = self.server.withLock { $0 }
        await server?.stop()
    }

    /// The number of addresses it listens on.
    var addressCount: Int {
        switch (self.status, self.metrics) {
        case (nil, nil): 0
        case (let status?, let metrics?): status.address == metrics.address ? 1 : 2
        case (nil, _?), (_?, nil): 1
        }
    }

    private static let statusKey = "status.tls"
    private static let metricsKey = "metrics.tls"

    /// One endpoint per address: probes and metrics may share an address.
    private func endpoints(_ service: ServiceView, _ certificates: [String: TLSServer]) -> [AdminEndpoint] {
        var endpoints: [AdminEndpoint] = []
        if let status {
            let probes = AdminEndpoint.Probes(
                unavailableStatus: status.unavailableStatusCode,
                report: service.health
            )
            let sharesAddress = self.metrics?.address == status.address
            endpoints.append(
                AdminEndpoint(
                    address: status.address,
                    key: sharesAddress ? "status.address, metrics.address" : "status.address",
                    probes: probes,
                    metrics: sharesAddress ? service.metrics : nil,
                    encryption: certificates[Self.statusKey]?.encryption
                )
            )
            if sharesAddress {
                return endpoints
            }
        }
        if let metrics {
            endpoints.append(
                AdminEndpoint(
                    address: metrics.address,
                    key: "metrics.address",
                    metrics: service.metrics,
                    encryption: certificates[Self.metricsKey]?.encryption
                )
            )
        }
        return endpoints
    }
}
