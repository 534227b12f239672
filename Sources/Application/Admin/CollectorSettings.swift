import ApplicationMetrics
import Configuration
import Observability

/// `metrics.collect.<name>`: a metric of the application, declared by the configuration. Workers may declare others.
struct CollectorSettings: Sendable, Equatable {
    enum MetricType: String, Sendable, CaseIterable {
        case counter, gauge, histogram, summary
    }

    var type = MetricType.counter
    var namespace = ""
    var subsystem = ""
    var help = ""
    var labels: [String] = []
    /// Upper bounds; empty means the usual ones.
    var buckets: [Double] = []
    /// Errors, by quantile.
    var objectives: [Double: Double] = [:]

    static let section = Section(Self()) {
        Key(
            "type", \.type, .choice(),
            "A metric of the application, which workers change by [`metrics.*`](rpc.md). Its name is in lower case.",
            required: MissingKey("a metric needs a type", fix: "add `type: counter`, gauge, histogram or summary")
        )
        Key("namespace", \.namespace, .text(), "It is exposed as `namespace_subsystem_name`.")
        Key("subsystem", \.subsystem, .text(), "See `namespace`.")
        Key("help", \.help, .text(), "Its description.")
        Key("labels", \.labels, .list, "Names of labels; workers give values in this order.")
        Key(
            "buckets", \.buckets, .numbers, "Upper bounds of a histogram, in increasing order.",
            default: "0.005 … 10"
        )
        Key(
            "objectives", \.objectives, .numberMap,
            "Quantiles of a summary, with their errors: `0.9: 0.01`. They are of the last ten minutes."
        )
    }

    func declaration(_ name: String) -> MetricDeclaration {
        MetricDeclaration(
            name: name,
            namespace: self.namespace,
            subsystem: self.subsystem,
            type: self.type.rawValue,
            help: self.help,
            labels: self.labels,
            buckets: self.buckets,
            objectives: self.objectives.sorted { $0.key < $1.key }.map { QuantileObjective($0.key, error: $0.value) }
        )
    }
}

extension MetricsSettings {
    /// Declares the metrics of the configuration.
    ///
    /// - Parameter fault: Called for each that cannot be declared.
    func declareCollectors(in registry: MetricsRegistry, fault: (_ name: String, MetricFault) -> Void) {
        for (name, collector) in self.collect.sorted(by: { $0.key < $1.key }) {
            do throws(MetricFault) {
                try registry.declare(collector.declaration(name))
            } catch {
                fault(name, error)
            }
        }
    }

    func checkCollectors(_ reader: SectionReader) throws(ConfigurationError) {
        var first: (name: String, fault: MetricFault)?
        self.declareCollectors(in: .ofApplication) { name, fault in
            first = first ?? (name, fault)
        }
        if let (name, fault) = first {
            let place = reader.source.mapping("collect")?[name]?.keyPlace ?? reader.place
            throw place.error(.invalidValue, fault.description, key: reader.path("collect.\(name)"))
        }
    }
}

extension MetricsRegistry {
    /// A new one, which refuses the names of the service's own metrics.
    static var ofApplication: MetricsRegistry {
        // Any name with `rr_` may be one of ours one day.
        MetricsRegistry { $0.hasPrefix("rr_") || ProcessMetrics.names.contains($0) }
    }
}
