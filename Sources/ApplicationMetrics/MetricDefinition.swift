/// A metric of an application, checked.
package struct MetricDefinition: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case counter
        case gauge
        /// Upper bounds, ascending and finite; values beyond the last one have a bucket of their own.
        case histogram([Double])
        /// Without objectives it has a sum and a count only.
        case summary([QuantileObjective])
    }

    /// `namespace_subsystem_name`, without what is empty.
    package let name: String
    package let help: String
    /// Names, in the order of the values of a series.
    package let labels: [String]
    package let kind: Kind
}

/// A quantile that a summary tells.
package struct QuantileObjective: Sendable, Hashable {
    /// From 0 to 1.
    package var quantile: Double
    /// The error in rank that is allowed, as a part of all values: 0.01 for 0.99 gives one between 0.98 and 1. Not used:
    /// the estimate has an error of its own, which is smaller than usual ones.
    package var error: Double

    package init(_ quantile: Double, error: Double) {
        self.quantile = quantile
        self.error = error
    }
}

/// Why a metric cannot be declared or changed, in one line.
package struct MetricFault: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String

    init(_ description: String) {
        self.description = description
    }
}

extension MetricDefinition.Kind {
    /// As in a declaration and in the text format.
    package var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .summary: "summary"
        }
    }
}

extension MetricDefinition {
    /// The names under which its samples are exposed.
    var sampleNames: [String] {
        switch self.kind {
        case .counter, .gauge: [self.name]
        case .histogram: [self.name, "\(self.name)_bucket", "\(self.name)_sum", "\(self.name)_count"]
        case .summary: [self.name, "\(self.name)_sum", "\(self.name)_count"]
        }
    }
}

extension MetricDefinition: CustomStringConvertible {
    /// For messages.
    package var description: String {
        var text = "a \(self.kind.word) with the labels [\(self.labels.joined(separator: ", "))]"
        switch self.kind {
        case .counter, .gauge: break
        case .histogram(let bounds): text += ", the buckets \(bounds)"
        case .summary(let objectives):
            let pairs = objectives.map { "\($0.quantile): \($0.error)" }
            text += ", the objectives [\(pairs.joined(separator: ", "))]"
        }
        return text + " and the help `\(self.help)`"
    }
}
