import Testing

@testable import Observability

@Suite struct HealthReportTests {
    private let ill = FeatureHealth(readyFault: "not ready", healthFault: "ill")

    @Test func allIsWell() {
        let report = HealthReport(.serving, [FeatureHealth(), FeatureHealth()])
        #expect(report.healthFault == nil && report.readyFault == nil)
    }

    @Test(arguments: [ServicePhase.starting, .draining])
    func aServiceThatDoesNotServeIsHealthyAndNotReady(phase: ServicePhase) {
        let report = HealthReport(phase, [self.ill])
        #expect(report.healthFault == nil)
        #expect(report.readyFault == (phase == .starting ? "the service is starting" : "the service is stopping"))
    }

    @Test func theFirstFaultOfEachKindIsTold() {
        let first = FeatureHealth(readyFault: "first")
        let report = HealthReport(.serving, [FeatureHealth(), first, self.ill, FeatureHealth(healthFault: "later")])
        #expect(report.readyFault == "first")
        #expect(report.healthFault == "ill")
    }

    // MARK: The answer

    @Test func theBodyIsRoadRunners() {
        let good = HealthResponse(fault: nil, unavailable: 503, plugins: [])
        #expect(good.status == 200)
        #expect(good.body == #"[{"plugin_name":"tcp","error_message":"","status_code":200}]"#)
        let bad = HealthResponse(fault: "not \"so\" \\ good\n", unavailable: 500, plugins: ["tcp", "tcp"])
        #expect(bad.status == 500)
        #expect(
            bad.body
                == #"[{"plugin_name":"tcp","error_message":"not \"so\" \\ good\n","status_code":500}]"#
        )
    }

    @Test(arguments: [["http"], ["http", "grpc"], [""]])
    func othersPluginsAreLeftOut(plugins: [String]) {
        let response = HealthResponse(fault: "bad", unavailable: 503, plugins: plugins)
        #expect(response.status == 200 && response.body == "[]")
        let mixed = HealthResponse(fault: "bad", unavailable: 503, plugins: plugins + ["tcp"])
        #expect(mixed.status == 503 && mixed.body.contains("\"tcp\""))
    }
}
