import ApplicationMetrics
import Features
import Logging
import Observability
import RPC

/// Metrics of the application, if there is a `metrics` section: those of `metrics.collect`, and those that workers declare.
///
/// They are kept until the process ends. A reload adds new ones of the configuration; a metric with values cannot become
/// another one, so a changed one waits for the next start.
struct ApplicationMetricsFeature: Feature {
    private let registry = MetricsRegistry.ofApplication
    private let logger: Logger

    /// - Returns: `nil` without the section.
    init?(_ settings: MetricsSettings?, logger: Logger) {
        guard let settings else {
            return nil
        }
        self.logger = logger
        self.declare(settings)
    }

    func prepareReload(_ settings: MetricsSettings?) async throws -> PreparedReload {
        PreparedReload {
            if let settings { self.declare(settings) }
        }
    }

    private func declare(_ settings: MetricsSettings) {
        settings.declareCollectors(in: self.registry) { name, fault in
            self.logger.warning(
                "the metric stays as it is until the next start",
                metadata: ["key": "metrics.collect.\(name)", "error": "\(fault)"]
            )
        }
    }

    /// The calls of workers.
    var service: RPCService {
        let logger = self.logger
        return MetricsService(self.registry) { reason in
            logger.warning("a metric was not declared", metadata: ["error": "\(reason)"])
        }.rpc
    }

    func addMetrics(to text: inout PrometheusText) {
        let counts = self.registry.counts
        text.family("rr_application_metrics", .gauge, "Metrics of the application.", counts.metrics)
        text.family("rr_application_metric_series", .gauge, "Their series.", counts.series)
        text.family(
            "rr_application_metric_series_refused_total", .counter,
            "Changes of a metric of the application that were refused because it has too many series."
        ) { samples in
            for (metric, count) in counts.refused.sorted(by: { $0.key < $1.key }) {
                samples.add(count, ("metric", metric))
            }
        }
        for snapshot in self.registry.snapshots() {
            text.add(snapshot)
        }
    }
}

extension PrometheusText {
    mutating func add(_ metric: MetricSnapshot) {
        let definition = metric.definition
        self.family(definition.name, Kind(definition.kind), definition.help) { samples in
            for series in metric.series {
                let labels = Array(zip(definition.labels, series.labels).map { (name: $0, value: $1) })
                samples.add(series.value, definition.kind, labels)
            }
        }
    }
}

extension PrometheusText.Samples {
    fileprivate mutating func add(
        _ value: MetricSnapshot.Value, _ kind: MetricDefinition.Kind, _ labels: [(name: String, value: String)]
    ) {
        switch value {
        case .number(let number):
            self.add(number, labels: labels)
        case .histogram(let counts, let sum):
            guard case .histogram(let bounds) = kind else { return }
            self.addHistogram(upperBounds: bounds, counts: counts, sum: sum, labels: labels)
        case .summary(let quantiles, let count, let sum):
            for quantile in quantiles {
                self.add(quantile.value, labels: labels + [("quantile", quantile.quantile.metricText)])
            }
            self.add(sum, labels: labels, suffix: "_sum")
            self.add(count, labels: labels, suffix: "_count")
        }
    }
}

extension PrometheusText.Kind {
    fileprivate init(_ kind: MetricDefinition.Kind) {
        self =
            switch kind {
            case .counter: .counter
            case .gauge: .gauge
            case .histogram: .histogram
            case .summary: .summary
            }
    }
}
