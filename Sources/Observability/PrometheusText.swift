/// Metrics in Prometheus' text format 0.0.4, written family by family.
package struct PrometheusText: Sendable {
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
        case summary
    }

    /// The `Content-Type` of ``text``.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var text = ""

    package init() {}

    /// A family without labels.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String, _ value: some MetricValue) {
        self.family(name, kind, help) { $0.add(value) }
    }

    /// A family; the closure adds its samples, each with different labels.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: (inout Samples) -> Void) {
        self.text += "# HELP \(name) \(help.escapedForHelp)\n# TYPE \(name) \(kind.rawValue)\n"
        var written = Samples(name: name)
        samples(&written)
        self.text += written.text
    }

    /// - Parameters:
    ///   - upperBounds: Ascending; values beyond the last one have a bucket of their own.
    ///   - counts: The count of each bucket alone: one more than there are bounds.
    ///   - sum: The sum of all counted values.
    package mutating func histogram(
        _ name: String,
        _ help: String,
        upperBounds: [Double],
        counts: [UInt64],
        sum: Double
    ) {
        self.family(name, .histogram, help) {
            $0.addHistogram(upperBounds: upperBounds, counts: counts, sum: sum, labels: [])
        }
    }

}

extension PrometheusText {
    /// The samples of one family.
    package struct Samples: Sendable {
        fileprivate let name: String
        fileprivate var text = ""

        /// - Parameter labels: Names must be valid and distinct; values may be anything.
        package mutating func add(_ value: some MetricValue, _ labels: (name: String, value: String)...) {
            self.add(value, labels: labels)
        }

        /// - Parameter suffix: Of the sample's name, such as `_sum`.
        package mutating func add(
            _ value: some MetricValue, labels: [(name: String, value: String)], suffix: String = ""
        ) {
            self.text += self.name + suffix
            if !labels.isEmpty {
                let pairs = labels.map { "\($0.name)=\"\($0.value.escapedForLabel)\"" }
                self.text += "{\(pairs.joined(separator: ","))}"
            }
            self.text += " \(value.metricText)\n"
        }

        /// The samples of a histogram, as for ``PrometheusText/histogram(_:_:upperBounds:counts:sum:)``.
        package mutating func addHistogram(
            upperBounds: [Double], counts: [UInt64], sum: Double, labels: [(name: String, value: String)]
        ) {
            var total: UInt64 = 0
            for (count, bound) in zip(counts, upperBounds + [.infinity]) {
                total &+= count
                self.add(total, labels: labels + [("le", bound.metricText)], suffix: "_bucket")
            }
            self.add(sum, labels: labels, suffix: "_sum")
            self.add(total, labels: labels, suffix: "_count")
        }
    }
}

/// A number in the text format.
package protocol MetricValue: Sendable {
    var metricText: String { get }
}

extension Int: MetricValue {
    package var metricText: String { String(self) }
}

extension UInt64: MetricValue {
    package var metricText: String { String(self) }
}

extension Double: MetricValue {
    package var metricText: String {
        switch self {
        case .infinity: "+Inf"
        case -.infinity: "-Inf"
        case _ where self.isNaN: "NaN"
        // The form that other exporters use: labels such as `le` are compared as text.
        case _ where self == self.rounded() && abs(self) < 1e15: String(Int(self))
        default: self.description
        }
    }
}

extension String {
    fileprivate var escapedForHelp: String {
        self.escaped(quotes: false)
    }

    fileprivate var escapedForLabel: String {
        self.escaped(quotes: true)
    }

    private func escaped(quotes: Bool) -> String {
        var text = ""
        for scalar in self.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\"" where quotes: text += "\\\""
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
