import AdminHTTP
import Configuration
import Logging
import NIOCore
import Observability
import Sockets
import TCPServer
import WorkerPool
import WorkerProcess

extension Gateway {
    /// Probes and metrics, when the configuration has them; before anything else starts, and until all else has ended.
    ///
    /// - Throws: `AdminError` when an address cannot be listened on; what was there before is cleaned up then.
    func startAdmin() async throws -> AdminServer? {
        do {
            return try await self.listenForAdmins()
        } catch {
            self.relay?.close()
            throw error
        }
    }

    private func listenForAdmins() async throws -> AdminServer? {
        let endpoints = self.adminEndpoints()
        guard !endpoints.isEmpty else {
            return nil
        }
        let server = try await AdminServer.start(
            endpoints,
            idleTimeout: TimeAmount(clamping: self.settings.status?.checkTimeout ?? .seconds(60)),
            logger: self.loggers.rr
        )
        for (key, address) in server.addresses {
            self.loggers.rr.info("listening", metadata: ["key": "\(key)", "address": "\(address)"])
        }
        return server
    }

    /// One for each address: probes and metrics may share it.
    func adminEndpoints() -> [AdminEndpoint] {
        let metrics: @Sendable () -> PrometheusText = { self.metricsText() }
        var endpoints: [AdminEndpoint] = []
        if let status = self.settings.status {
            let probes = AdminEndpoint.Probes(unavailableStatus: status.unavailableStatusCode) {
                HealthReport(self.healthFacts(unavailableAfter: status.unavailableAfter))
            }
            let sharesAddress = self.settings.metrics?.address == status.address
            endpoints.append(
                AdminEndpoint(
                    address: status.address,
                    key: sharesAddress ? "status.address, metrics.address" : "status.address",
                    probes: probes,
                    metrics: sharesAddress ? metrics : nil
                )
            )
            if sharesAddress {
                return endpoints
            }
        }
        if let settings = self.settings.metrics {
            endpoints.append(
                AdminEndpoint(
                    address: settings.address,
                    key: "metrics.address",
                    metrics: metrics
                )
            )
        }
        return endpoints
    }

    private func healthFacts(unavailableAfter: Duration) -> HealthFacts {
        HealthFacts(
            phase: self.status.phase,
            serversNotListening: self.server.serversNotListening,
            withoutWorkersFor: self.pool.unavailableFor.map { .nanoseconds($0.nanoseconds) },
            unavailableAfter: unavailableAfter
        )
    }
}
