/// What an application or a configuration says about a metric, not checked yet.
package struct MetricDeclaration: Sendable, Hashable {
    /// Without namespace and subsystem: the name that workers use.
    package var name: String
    package var namespace: String
    package var subsystem: String
    /// `counter`, `gauge`, `histogram` or `summary`.
    package var type: String
    package var help: String
    package var labels: [String]
    /// The upper bounds of a histogram; empty for those that Prometheus' own libraries have.
    package var buckets: [Double]
    /// Of a summary.
    package var objectives: [QuantileObjective]

    package init(
        name: String,
        namespace: String = "",
        subsystem: String = "",
        type: String,
        help: String = "",
        labels: [String] = [],
        buckets: [Double] = [],
        objectives: [QuantileObjective] = []
    ) {
        self.name = name
        self.namespace = namespace
        self.subsystem = subsystem
        self.type = type
        self.help = help
        self.labels = labels
        self.buckets = buckets
        self.objectives = objectives
    }
}

extension MetricDeclaration {
    /// The most labels of a metric.
    static let mostLabels = 64
    /// The most buckets of a histogram, and objectives of a summary.
    static let mostBuckets = 256
    static let mostObjectives = 32

    private static let defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// Checks all of it.
    package func definition() throws(MetricFault) -> MetricDefinition {
        let kind = try self.kind()
        let fullName = [self.namespace, self.subsystem, self.name].filter { !$0.isEmpty }.joined(separator: "_")
        guard !self.name.isEmpty, fullName.isMetricName(allowsColon: true) else {
            throw MetricFault("`\(fullName)` is not a valid metric name: use letters, digits and _")
        }
        guard self.labels.count <= Self.mostLabels else {
            throw MetricFault("`\(fullName)` has \(self.labels.count) labels, more than \(Self.mostLabels)")
        }
        var seen: Set<String> = []
        for label in self.labels {
            guard label.isMetricName(allowsColon: false), !label.hasPrefix("__"), label != kind.ownLabel else {
                throw MetricFault("`\(label)` is not a valid label name of the \(kind.word) `\(fullName)`")
            }
            guard seen.insert(label).inserted else {
                throw MetricFault("`\(fullName)` has the label `\(label)` twice")
            }
        }
        return MetricDefinition(name: fullName, help: self.help, labels: self.labels, kind: kind)
    }

    private func kind() throws(MetricFault) -> MetricDefinition.Kind {
        switch self.type {
        case "counter": return .counter
        case "gauge": return .gauge
        case "histogram": return .histogram(try self.upperBounds())
        case "summary": return .summary(try self.checkedObjectives())
        default: throw MetricFault("unknown collector type \(self.type)")
        }
    }

    private func upperBounds() throws(MetricFault) -> [Double] {
        var bounds = self.buckets.isEmpty ? Self.defaultBuckets : self.buckets
        // There is one for the rest anyway.
        if bounds.last == .infinity {
            bounds.removeLast()
        }
        guard bounds.count <= Self.mostBuckets else {
            throw MetricFault("`\(self.name)` has \(bounds.count) buckets, more than \(Self.mostBuckets)")
        }
        guard bounds.allSatisfy(\.isFinite), zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw MetricFault("the buckets of `\(self.name)` must be finite and in increasing order")
        }
        return bounds
    }

    private func checkedObjectives() throws(MetricFault) -> [QuantileObjective] {
        guard self.objectives.count <= Self.mostObjectives else {
            throw MetricFault(
                "`\(self.name)` has \(self.objectives.count) objectives, more than \(Self.mostObjectives)")
        }
        for objective in self.objectives {
            guard (0...1).contains(objective.quantile), (0...1).contains(objective.error) else {
                throw MetricFault(
                    "`\(self.name)` has the objective \(objective.quantile): \(objective.error): "
                        + "both must be from 0 to 1")
            }
        }
        return self.objectives.sorted { ($0.quantile, $0.error) < ($1.quantile, $1.error) }
            .reduce(into: []) { list, objective in
                // Each quantile is one line; the smaller error serves both.
                if list.last?.quantile != objective.quantile { list.append(objective) }
            }
    }
}

extension MetricDefinition.Kind {
    /// The label that its samples have besides.
    fileprivate var ownLabel: String? {
        switch self {
        case .counter, .gauge: nil
        case .histogram: "le"
        case .summary: "quantile"
        }
    }
}

extension String {
    fileprivate func isMetricName(allowsColon: Bool) -> Bool {
        guard let first = self.utf8.first, !first.isDigit else {
            return false
        }
        return self.utf8.allSatisfy {
            $0.isDigit || $0 == UInt8(ascii: "_") || (allowsColon && $0 == UInt8(ascii: ":"))
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
        }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
