import Addresses
import Observability
import Sockets
import Testing

@testable import AdminHTTP

@Suite struct AdminEndpointTests {
    private static let address = ListenAddress.tcp(host: "127.0.0.1", port: 0)

    private func probes(_ phase: ServicePhase) -> AdminEndpoint.Probes {
        AdminEndpoint.Probes(unavailableStatus: 530) { HealthReport(phase, []) }
    }

    private let metrics: @Sendable () -> PrometheusText = {
        var text = PrometheusText()
        text.family("up", .gauge, "Up.", 1)
        return text
    }

    @Test func probesHaveTheirPaths() {
        let endpoint = AdminEndpoint(
            address: Self.address,
            key: "status.address",
            probes: self.probes(.draining)
        )
        #expect(endpoint.answer(method: "GET", target: "/health").status == 200)
        #expect(endpoint.answer(method: "HEAD", target: "/health/").status == 200)
        let ready = endpoint.answer(method: "GET", target: "/ready?plugin=tcp")
        #expect(ready.status == 530 && ready.contentType == "application/json")
        #expect(ready.body.contains("the service is stopping"))
        #expect(endpoint.answer(method: "GET", target: "/ready?plugin=http").body == "[]")
        #expect(endpoint.answer(method: "GET", target: "/").status == 404)
        #expect(endpoint.answer(method: "GET", target: "/healthy").status == 404)
        #expect(endpoint.answer(method: "POST", target: "/health").status == 405)
    }

    @Test(arguments: ["/", "/metrics", "/any/thing?x=1", "/health", ""])
    func metricsAreOnEveryPath(path: String) {
        let endpoint = AdminEndpoint(address: Self.address, key: "metrics.address", metrics: self.metrics)
        let answer = endpoint.answer(method: "GET", target: path)
        #expect(answer.status == 200 && answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.body.hasSuffix("up 1\n"))
    }

    @Test func oneAddressMayServeBoth() {
        let endpoint = AdminEndpoint(
            address: Self.address,
            key: "both",
            probes: self.probes(.serving),
            metrics: self.metrics
        )
        #expect(endpoint.answer(method: "GET", target: "/ready").contentType == "application/json")
        #expect(endpoint.answer(method: "GET", target: "/metrics").body.contains("up 1"))
    }
}
