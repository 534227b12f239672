import Testing

@testable import Observability

@Suite struct HealthReportTests {
    @Test func allIsWell() {
        let report = HealthReport(HealthFacts(phase: .serving))
        #expect(report.healthFault == nil && report.readyFault == nil)
    }

    @Test(arguments: [ServicePhase.starting, .draining])
    func whoDoesNotServeIsHealthyAndNotReady(phase: ServicePhase) {
        let facts = HealthFacts(phase: phase, withoutWorkersFor: .seconds(100), unavailableAfter: .seconds(1))
        let report = HealthReport(facts)
        #expect(report.healthFault == nil)
        #expect(report.readyFault == (phase == .starting ? "the service is starting" : "the service is stopping"))
    }

    @Test func aListenerThatIsGoneIsNamed() {
        let report = HealthReport(HealthFacts(phase: .serving, serversNotListening: ["smtp", "echo"]))
        #expect(report.readyFault == "not listening: smtp, echo")
        #expect(report.healthFault == nil)
    }

    @Test(arguments: [(0, 1_000_000, false), (10, 9, false), (10, 10, true), (10, 11, true)])
    func healthEndsWhenWorkersAreGoneForLong(limit: Int, time: Int, isOver: Bool) {
        let facts = HealthFacts(
            phase: .serving,
            withoutWorkersFor: .seconds(time),
            unavailableAfter: .seconds(limit)
        )
        let report = HealthReport(facts)
        #expect(report.readyFault == "no worker is ready")
        #expect((report.healthFault != nil) == isOver)
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
