import Observability
import Testing

@testable import Application

@Suite struct WorkersHealthTests {
    @Test func withAWorkerAllIsWell() {
        #expect(FeatureHealth(withoutWorkersFor: nil, unavailableAfter: .seconds(1)) == FeatureHealth())
    }

    @Test(arguments: [(0, 1_000_000, false), (10, 9, false), (10, 10, true), (10, 11, true)])
    func healthEndsWhenWorkersAreGoneForLong(limit: Int, time: Int, isOver: Bool) {
        let health = FeatureHealth(withoutWorkersFor: .seconds(time), unavailableAfter: .seconds(limit))
        #expect(health.readyFault == "no worker is ready")
        #expect((health.healthFault != nil) == isOver)
    }
}
