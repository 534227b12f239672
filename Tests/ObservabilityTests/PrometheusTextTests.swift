import Foundation
import Testing

@testable import Observability

@Suite struct PrometheusTextTests {
    @Test func familiesAndLabels() {
        var text = PrometheusText()
        text.family("a_total", .counter, "Things.", 3)
        text.family("b", .gauge, "Other\nthings \\ and \"more\".") { samples in
            samples.add(1.5, ("server", "main"), ("reason", "client"))
            samples.add(0, ("server", "a\"b\\c\nd"), ("reason", "ü"))
        }
        #expect(
            text.text == #"""
                # HELP a_total Things.
                # TYPE a_total counter
                a_total 3
                # HELP b Other\nthings \\ and "more".
                # TYPE b gauge
                b{server="main",reason="client"} 1.5
                b{server="a\"b\\c\nd",reason="ü"} 0

                """#
        )
    }

    @Test func histogramsAddUp() {
        var text = PrometheusText()
        text.histogram("h_seconds", "Times.", upperBounds: [0.000_05, 1, 2.5], counts: [1, 2, 0, 4], sum: 7.25)
        #expect(
            text.text == """
                # HELP h_seconds Times.
                # TYPE h_seconds histogram
                h_seconds_bucket{le="5e-05"} 1
                h_seconds_bucket{le="1"} 3
                h_seconds_bucket{le="2.5"} 3
                h_seconds_bucket{le="+Inf"} 7
                h_seconds_sum 7.25
                h_seconds_count 7

                """
        )
    }

    @Test func samplesOfOneFamilyMayHaveSuffixesAndAnyNumberOfLabels() {
        var text = PrometheusText()
        text.family("s", .summary, "Sizes.") { samples in
            samples.add(2.5, labels: [("kind", "a\"b"), ("quantile", "0.5")])
            samples.add(7, labels: [("kind", "a\"b")], suffix: "_sum")
        }
        #expect(
            text.text == #"""
                # HELP s Sizes.
                # TYPE s summary
                s{kind="a\"b",quantile="0.5"} 2.5
                s_sum{kind="a\"b"} 7

                """#
        )
    }

    @Test func theNamesOfTheProcessAreKnown() {
        var text = PrometheusText()
        text.add(ProcessMetrics())
        let names = text.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " } }
        #expect(Set(names.map(String.init)) == ProcessMetrics.names)
    }

    @Test(arguments: [
        (Double.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300"), (0, "0"),
        (-3, "-3"), (1_753_000_000.25, "1753000000.25"),
    ])
    func numbersAsPrometheusReadsThem(value: Double, text: String) {
        #expect(value.metricText == text)
    }

    @Test func theProcessIsMeasured() throws {
        let process = ProcessMetrics()
        #expect(try #require(process.residentMemory) > 1 << 20)
        #expect(try #require(process.virtualMemory) >= #require(process.residentMemory))
        #expect(try #require(process.openDescriptors) >= 3)
        #expect(try #require(process.threads) >= 1)
        #expect(try #require(process.processorTime) >= 0)
        // After 2020, and not in the future by more than clocks differ.
        #expect(try #require(process.startTime) > 1_577_836_800)
    }

    /// Its size is told in pages, which are of 4 KiB on one machine and of 16 or 64 on another.
    @Test func memoryIsCountedInPagesOfTheMachine() throws {
        let resident = try #require(ProcessMetrics().residentMemory)
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        let kibibytes = try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
        // Other tests allocate meanwhile.
        #expect((resident / 2...resident * 2).contains(kibibytes << 10))
    }
}
