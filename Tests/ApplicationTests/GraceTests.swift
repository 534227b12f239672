import NIOCore
import Testing

@testable import Application

@Suite struct GraceTests {
    @Test(
        arguments: [
            (TimeAmount.seconds(30), [25_000, 27_000, 28_000, 29_000, 30_000]),
            (.hours(2), [7_195_000, 7_197_000, 7_198_000, 7_199_000, 7_200_000]),
            (.seconds(4), [3000, 3300, 3450, 3600, 4000]),
            (.zero, [0, 0, 0, 0, 0]),
        ] as [(TimeAmount, [Int64])]
    )
    func itsShares(period: TimeAmount, milliseconds: [Int64]) {
        let grace = Grace(period: period)
        #expect(Grace.Moment.allCases.map { grace.time(of: $0).nanoseconds } == milliseconds.map { $0 * 1_000_000 })
    }

    @Test(arguments: [TimeAmount.nanoseconds(1), .milliseconds(7), .seconds(1), .seconds(19), .hours(24 * 365)])
    func itsMomentsComeInOrderAndNoneAfterItsEnd(period: TimeAmount) {
        let grace = Grace(period: period)
        let times = Grace.Moment.allCases.map { grace.time(of: $0) }
        #expect(times == times.sorted())
        #expect(times.allSatisfy { $0 >= .zero && $0 <= period })
        #expect(grace.patience <= .seconds(5))
        #expect(grace.timeForSpreading <= times[0])
        #expect(grace.timeForWorkers >= .milliseconds(1))
    }
}
