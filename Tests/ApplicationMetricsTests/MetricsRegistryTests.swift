import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApplicationMetrics

@Suite struct MetricsRegistryTests {
    private let registry = MetricsRegistry(isReserved: { $0.hasPrefix("rr_") })

    private func registry(series: Int, bytes: Int = 1 << 28) -> MetricsRegistry {
        var limits = MetricsRegistry.Limits()
        limits.mostSeries = series
        limits.mostBytes = bytes
        return MetricsRegistry(limits: limits, isReserved: { _ in false })
    }

    private func fault(_ body: () throws(MetricFault) -> Void) -> String? {
        do throws(MetricFault) {
            try body()
            return nil
        } catch {
            return error.description
        }
    }

    private func value(_ name: String, _ labels: [String] = []) -> MetricSnapshot.Value? {
        self.registry.snapshots().first { $0.definition.name == name }?.series.first { $0.labels == labels }?.value
    }

    @Test func countersAndGauges() throws {
        try self.registry.declare(MetricDeclaration(name: "mails", namespace: "app", type: "counter", labels: ["in"]))
        try self.registry.declare(MetricDeclaration(name: "load", type: "gauge"))
        #expect(self.value("load") == .number(0))
        #expect(self.registry.snapshots().map(\.definition.name) == ["load"])
        try self.registry.perform(.add, "mails", 1, labels: ["a"])
        try self.registry.perform(.add, "app_mails", 2.5, labels: ["a"])
        try self.registry.perform(.add, "mails", 1, labels: [""])
        #expect(self.value("app_mails", ["a"]) == .number(3.5))
        #expect(self.value("app_mails", [""]) == .number(1))
        try self.registry.perform(.set, "load", 7, labels: [])
        try self.registry.perform(.sub, "load", 10, labels: ["not", "looked", "at"])
        try self.registry.perform(.add, "load", 1, labels: [])
        #expect(self.value("load") == .number(-2))
        #expect(self.registry.counts == MetricsCounts(metrics: 2, series: 3))
    }

    @Test func histogramsAndSummaries() throws {
        try self.registry.declare(MetricDeclaration(name: "h", type: "histogram", buckets: [1, 2, .infinity]))
        try self.registry.declare(MetricDeclaration(name: "d", type: "histogram", labels: ["l"]))
        try self.registry.declare(MetricDeclaration(name: "s", type: "summary"))
        let objectives = [QuantileObjective(0.9, error: 0.01), QuantileObjective(0.5, error: 0.05)]
        try self.registry.declare(MetricDeclaration(name: "q", type: "summary", labels: ["l"], objectives: objectives))
        for value in [0.5, 1, 1.5, 3] {
            for name in ["h", "d", "s", "q"] {
                try self.registry.perform(.observe, name, value, labels: ["x"])
            }
        }
        #expect(self.value("h") == .histogram(counts: [2, 1, 1], sum: 6))
        #expect(self.value("d", ["x"]) == .histogram(counts: [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0], sum: 6))
        #expect(self.value("s") == .summary(quantiles: [], count: 4, sum: 6))
        guard case .summary(let quantiles, 4, 6)? = self.value("q", ["x"]) else {
            Issue.record("no summary")
            return
        }
        #expect(quantiles.map(\.quantile) == [0.5, 0.9])
        #expect([1, 1.5].contains(quantiles[0].value) && quantiles[1].value == 3)
    }

    @Test(arguments: [
        (MetricDeclaration(name: "x", type: "meter"), "unknown collector type meter"),
        (
            MetricDeclaration(name: "", namespace: "a", type: "gauge"),
            "`a` is not a valid metric name: use letters, digits and _"
        ),
        (MetricDeclaration(name: "a-b", type: "gauge"), "`a-b` is not a valid metric name: use letters, digits and _"),
        (MetricDeclaration(name: "1", type: "gauge"), "`1` is not a valid metric name: use letters, digits and _"),
        (MetricDeclaration(name: "x", type: "gauge", labels: ["é"]), "`é` is not a valid label name of the gauge `x`"),
        (
            MetricDeclaration(name: "x", type: "gauge", labels: ["__a"]),
            "`__a` is not a valid label name of the gauge `x`"
        ),
        (
            MetricDeclaration(name: "x", type: "histogram", labels: ["le"]),
            "`le` is not a valid label name of the histogram `x`"
        ),
        (MetricDeclaration(name: "x", type: "gauge", labels: ["a", "a"]), "`x` has the label `a` twice"),
        (
            MetricDeclaration(name: "x", type: "histogram", buckets: [1, 1]),
            "the buckets of `x` must be finite and in increasing order"
        ),
        (
            MetricDeclaration(name: "x", type: "summary", objectives: [QuantileObjective(1.4, error: 2.3)]),
            "`x` has the objective 1.4: 2.3: both must be from 0 to 1"
        ),
        (
            MetricDeclaration(name: "connections", namespace: "rr", type: "gauge"),
            "`rr_connections` is a name of the server's own metrics"
        ),
    ])
    func whatCannotBeDeclared(declaration: MetricDeclaration, message: String) {
        #expect(self.fault { () throws(MetricFault) in try self.registry.declare(declaration) } == message)
        #expect(self.registry.counts.metrics == 0)
    }

    @Test func theSameMetricMayBeDeclaredAgain() throws {
        let declaration = MetricDeclaration(name: "b_c", namespace: "a", type: "counter", help: "h", labels: ["l"])
        try self.registry.declare(declaration)
        try self.registry.perform(.add, "b_c", 2, labels: ["x"])
        try self.registry.declare(declaration)
        try self.registry.declare(
            MetricDeclaration(name: "c", namespace: "a", subsystem: "b", type: "counter", help: "h", labels: ["l"]))
        try self.registry.perform(.add, "c", 1, labels: ["x"])
        #expect(self.value("a_b_c", ["x"]) == .number(3))
    }

    @Test func anotherMetricOfThatNameIsRefusedAndBothAreNamed() throws {
        try self.registry.declare(
            MetricDeclaration(name: "x", type: "histogram", help: "h", labels: ["l"], buckets: [1]))
        #expect(
            self.fault { () throws(MetricFault) in
                try self.registry.declare(MetricDeclaration(name: "x", type: "gauge", help: "g"))
            }
                == "tried to register existing collector x: it is a histogram with the labels [l], the buckets [1.0] "
                + "and the help `h`, not a gauge with the labels [] and the help `g`")
        // Two families with a line of the same name are no valid text.
        #expect(
            self.fault { () throws(MetricFault) in
                try self.registry.declare(MetricDeclaration(name: "x_sum", type: "gauge"))
            } == "duplicate metrics collector registration attempted: `x_sum` is exposed by both `x` and `x_sum`")
    }

    @Test func aNameThatTwoMetricsShareIsAmbiguous() throws {
        try self.registry.declare(MetricDeclaration(name: "x", namespace: "a", type: "gauge"))
        try self.registry.declare(MetricDeclaration(name: "x", namespace: "b", type: "gauge"))
        #expect(
            self.fault { () throws(MetricFault) in try self.registry.perform(.set, "x", 1, labels: []) }
                == "collector `x` is ambiguous: use one of a_x, b_x")
        try self.registry.perform(.set, "b_x", 1, labels: [])
        try self.registry.unregister("a_x")
        try self.registry.perform(.set, "x", 2, labels: [])
        #expect(self.value("b_x") == .number(2))
        #expect(self.value("a_x") == nil)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func onlyFiniteNumbersCount(value: Double) throws {
        try self.registry.declare(MetricDeclaration(name: "g", type: "gauge"))
        try self.registry.declare(MetricDeclaration(name: "h", type: "histogram"))
        #expect(
            self.fault { () throws(MetricFault) in try self.registry.perform(.set, "g", value, labels: []) }
                == "the value of collector `g` is not a finite number")
        #expect(
            self.fault { () throws(MetricFault) in try self.registry.perform(.observe, "h", value, labels: []) } != nil)
        try self.registry.perform(.set, "g", .greatestFiniteMagnitude, labels: [])
        #expect(
            self.fault { () throws(MetricFault) in
                try self.registry.perform(.add, "g", .greatestFiniteMagnitude, labels: [])
            } == "the value of collector `g` would not be a finite number")
        #expect(self.value("g") == .number(.greatestFiniteMagnitude))
    }

    @Test func seriesAreBounded() throws {
        let registry = self.registry(series: 2)
        try registry.declare(MetricDeclaration(name: "x", type: "counter", labels: ["l"]))
        for label in ["a", "b", "a"] {
            try registry.perform(.add, "x", 1, labels: [label])
        }
        #expect(
            self.fault { () throws(MetricFault) in try registry.perform(.add, "x", 1, labels: ["c"]) }
                == "collector `x` has 2 series already: its labels have too many values")
        #expect(registry.counts == MetricsCounts(metrics: 1, series: 2, refused: ["x": 1]))
        try registry.perform(.add, "x", 1, labels: ["b"])
    }

    @Test func memoryIsBoundedAndGivenBack() throws {
        let registry = self.registry(series: 1 << 20, bytes: 1 << 20)
        for _ in 0..<3 {
            try registry.declare(MetricDeclaration(name: "x", type: "counter", labels: ["l"]))
            var count = 0
            var message: String?
            while message == nil {
                count += 1
                message = self.fault { () throws(MetricFault) in
                    try registry.perform(.add, "x", 1, labels: ["\(count)" + String(repeating: "-", count: 1000)])
                }
            }
            #expect(message == "there is no memory for another series of collector `x`")
            #expect((800...1000).contains(count))
            try registry.unregister("x")
        }
        var count = 0
        while self.fault({ () throws(MetricFault) in
            try registry.declare(MetricDeclaration(name: "m\(count)", type: "gauge"))
        }) == nil {
            count += 1
        }
        #expect((500...1000).contains(count))
    }

    /// All workers declare at once, and count.
    @Test func sixteenWorkersDeclareAndCount() throws {
        let registry = MetricsRegistry(isReserved: { _ in false })
        let faults = Mutex<[String]>([])
        let done = DispatchGroup()
        for worker in 0..<16 {
            done.enter()
            Thread {
                do throws(MetricFault) {
                    for name in ["a", "b", "c"] {
                        try registry.declare(
                            MetricDeclaration(name: name, namespace: "app", type: "counter", labels: ["l"]))
                        for index in 0..<500 {
                            try registry.perform(.add, name, 1, labels: ["\(index % 7)"])
                            if index % 100 == worker { _ = registry.snapshots() }
                        }
                    }
                } catch {
                    faults.withLock { $0.append(error.description) }
                }
                done.leave()
            }.start()
        }
        done.wait()
        #expect(faults.withLock { $0 } == [])
        var total = 0.0
        for series in registry.snapshots().flatMap(\.series) {
            if case .number(let value) = series.value { total += value }
        }
        #expect(total == 16 * 3 * 500)
    }
}
