import Testing

@testable import Application
@testable import Configuration

@Suite struct DurationTests {
    @Test(arguments: [
        ("1h30m", 5_400_000_000_000), ("60s", 60_000_000_000), ("250ms", 250_000_000), ("1us", 1000),
        ("1\u{B5}s", 1000), ("1\u{3BC}s", 1000), ("3ns", 3), ("1.5s", 1_500_000_000), (".5s", 500_000_000),
        ("1.s", 1_000_000_000), ("+2s", 2_000_000_000), ("-2s", -2_000_000_000), ("0", 0), ("-0", 0), ("0s", 0),
        ("1s1s", 2_000_000_000), ("0.000000001s", 1), ("0.0000000001s", 0), ("1h0.5m", 3_630_000_000_000),
        ("9223372036854775807ns", Int64.max), ("-9223372036854775808ns", Int64.min),
        ("0.1000000000000000000000000000001s", 100_000_000),
    ])
    func readsWhatGoReads(text: String, nanoseconds: Int64) throws {
        #expect(try GoDuration.parse(text) == nanoseconds)
    }

    @Test(arguments: [
        ("", GoDuration.Fault.malformed), ("-", .malformed), (".s", .malformed), ("s", .malformed), ("1", .missingUnit),
        ("1h30", .missingUnit), ("1.5", .missingUnit), ("1d", .unknownUnit("d")), ("1 s", .unknownUnit(" s")),
        ("1S", .unknownUnit("S")), ("--1s", .malformed), ("1s-1s", .unknownUnit("s-")),
        ("9223372036854775808ns", .overflow),
        ("99999999999999999999h", .overflow), ("3000000h", .overflow), ("2562047h2562047h", .overflow),
        ("-9223372036854775809ns", .overflow), ("1.99999999999999999999d", .unknownUnit("d")),
    ])
    func refusesWhatGoRefuses(text: String, fault: GoDuration.Fault) {
        #expect(throws: fault) { try GoDuration.parse(text) }
    }

    @Test(arguments: [
        ("0s", 0), ("1ns", 1), ("1.1\u{B5}s", 1100), ("2.2ms", 2_200_000), ("3.3s", 3_300_000_000),
        ("4m5s", 245_000_000_000), ("4m5.001s", 245_001_000_000), ("5h6m7.001s", 18_367_001_000_000),
        ("1h0m0s", 3_600_000_000_000), ("-1m0s", -60_000_000_000), ("2562047h47m16.854775807s", Int64.max),
    ])
    func writesWhatGoWrites(text: String, nanoseconds: Int64) throws {
        #expect(GoDuration.format(nanoseconds: nanoseconds) == text)
        #expect(try GoDuration.parse(text) == nanoseconds)
    }

    @Test func longDurationsAreClamped() {
        #expect(GoDuration.nanoseconds(.seconds(Int64.max)) == .max)
        #expect(GoDuration.nanoseconds(.seconds(Int64.min)) == .min)
    }

    @Test(arguments: [
        ("1h30m", Duration.seconds(5400)), ("'10s'", .seconds(10)), ("2000000", .milliseconds(2)),
        ("'2000000'", .milliseconds(2)), ("0", .seconds(60)), ("0s", .seconds(60)), ("''", .seconds(60)),
    ])
    func timeouts(text: String, duration: Duration) throws {
        let (pool, loaded) = try loadPool("allocate_timeout: \(text)")
        #expect(pool.allocateTimeout == duration)
        #expect(loaded.warnings("tcp.pool.allocate_timeout").count == (text == "''" ? 1 : 0))
    }

    @Test(arguments: ["60", "'60'", "999999"])
    func nanosecondsByMistakeAreReported(_ text: String) throws {
        let (_, loaded) = try loadPool("allocate_timeout: \(text)")
        let warnings = loaded.warnings("tcp.pool.allocate_timeout")
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("nanoseconds; did you mean") == true)
    }

    @Test(arguments: ["-1s", "-5", "1d", "soon", "1.5", "99999999999h", "[1s]", "99999999999999999999", "true"])
    func otherTimesAreRefused(_ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try loadPool("destroy_timeout: \(text)") }
        #expect(error?.key == "tcp.pool.destroy_timeout")
        #expect(error?.line == 5)
    }

    @Test(arguments: ["0", "0s", "'0'"])
    func noGracePeriodIsTheDefaultAndReported(_ text: String) throws {
        let loaded = try load(minimal + "endure: {grace_period: \(text)}\n")
        #expect(loaded.settings.endure.gracePeriod == .seconds(30))
        #expect(loaded.origin("endure.grace_period") == .defaultValue)
        #expect(
            loaded.warnings.map(\.description) == [
                "\(loaded.file):5:24: endure.grace_period: 0 stands for the default, 30s; use a short time such as 1s"
            ])
    }

    @Test func theCheckTimeoutCountsSeconds() throws {
        let text = minimal + "status: {address: ':2114', check_timeout: 5}\n"
        #expect(try load(text).settings.status?.checkTimeout == .seconds(5))
        #expect(try load(text).warnings("status.check_timeout").isEmpty)
        let error = try failure(minimal + "status: {address: ':2114', check_timeout: 9999999999999}\n")
        #expect(error.code == .outOfRange)
    }
}
