import Configuration
import Testing

@testable import Application

/// `metrics.collect`: metrics of the application.
@Suite struct CollectorTests {
    @Test func allKeys() throws {
        let text = """
            metrics:
              collect:
                Mails: {type: COUNTER, namespace: app, subsystem: in, help: Mails., labels: [from, to]}
                times: {type: histogram, buckets: [0.1, "2", 3]}
                sizes:
                  type: summary
                  labels: server
                  objectives: [{0.5: 0.05}, {"0.9": 0.01}]
                more:
                  type: summary
                  objectives:
                    0.5: 0.05
                few: {type: histogram, buckets: "1,2.5"}

            """
        let loaded = try load(minimal + text)
        #expect(loaded.warnings.isEmpty)
        #expect(
            loaded.settings.metrics?.collect == [
                "mails": CollectorSettings(
                    type: .counter, namespace: "app", subsystem: "in", help: "Mails.", labels: ["from", "to"]),
                "times": CollectorSettings(type: .histogram, buckets: [0.1, 2, 3]),
                "sizes": CollectorSettings(type: .summary, labels: ["server"], objectives: [0.5: 0.05, 0.9: 0.01]),
                "more": CollectorSettings(type: .summary, objectives: [0.5: 0.05]),
                "few": CollectorSettings(type: .histogram, buckets: [1, 2.5]),
            ])
    }

    @Test func variablesSetThemToo() throws {
        let settings = try load(
            minimal + "metrics: {collect: {times: {type: counter}}}\n",
            environment: ["RR_METRICS_COLLECT_TIMES_TYPE": "histogram", "RR_METRICS_COLLECT_TIMES_BUCKETS": "1,2"]
        ).settings
        #expect(settings.metrics?.collect == ["times": CollectorSettings(type: .histogram, buckets: [1, 2])])
    }

    @Test(arguments: [
        ("a: {help: x}", "a metric needs a type", "metrics.collect.a"),
        ("a: {type: meter}", "`meter` is not known", "metrics.collect.a.type"),
        ("a-b: {type: gauge}", "`a-b` is not a valid metric name: use letters, digits and _", "metrics.collect.a-b"),
        (
            "connections: {type: gauge, namespace: rr}", "`rr_connections` is a name of the server's own metrics",
            "metrics.collect.connections"
        ),
        (
            "open_fds: {type: gauge, namespace: process}", "`process_open_fds` is a name of the server's own metrics",
            "metrics.collect.open_fds"
        ),
        ("a: {type: gauge, labels: [b, b]}", "`a` has the label `b` twice", "metrics.collect.a"),
        ("a: {type: histogram, buckets: [1, x]}", "`x` is not a number", "metrics.collect.a.buckets"),
        (
            "a: {type: histogram, buckets: [2, 1]}", "the buckets of `a` must be finite and in increasing order",
            "metrics.collect.a"
        ),
        ("a: {type: summary, objectives: {0.5: x}}", "`x` is not a number", "metrics.collect.a.objectives.0.5"),
        ("a: {type: summary, objectives: {x: 0.5}}", "`x` is not a number", "metrics.collect.a.objectives"),
        (
            "a: {type: summary, objectives: {1.4: 2.3}}", "`a` has the objective 1.4: 2.3: both must be from 0 to 1",
            "metrics.collect.a"
        ),
    ])
    func faultsNameTheMetric(collector: String, message: String, key: String) throws {
        let error = try failure(minimal + "metrics:\n  collect:\n    \(collector)\n")
        #expect(error.message == message)
        #expect(error.key?.hasPrefix(key) == true)
        #expect(error.line == 7)
    }

    @Test func anObjectiveIsThereOnce() throws {
        let error = try failure(
            minimal + "metrics: {collect: {a: {type: summary, objectives: [{0.5: 0.1}, {0.50: 0.2}]}}}\n")
        #expect(error.message == "`0.50` is there twice")
    }

    @Test func whatOnlyAHistogramHasIsNotLookedAt() throws {
        let text = "metrics: {collect: {a: {type: gauge, buckets: [2, 1], objectives: {1.4: 2.3}}}}\n"
        #expect(try load(minimal + text).settings.metrics?.collect.count == 1)
    }
}
