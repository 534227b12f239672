/// A metric with its current values.
package struct MetricSnapshot: Sendable {
    package struct Quantile: Sendable, Hashable {
        package var quantile: Double
        /// NaN without a value in the last ten minutes.
        package var value: Double
    }

    package enum Value: Sendable, Hashable {
        case number(Double)
        /// - Parameter counts: Of each bucket alone: one more than there are bounds.
        case histogram(counts: [UInt64], sum: Double)
        case summary(quantiles: [Quantile], count: UInt64, sum: Double)
    }

    package struct Series: Sendable, Hashable {
        /// Values, in the order of the definition's names.
        package var labels: [String]
        package var value: Value
    }

    package var definition: MetricDefinition
    /// In the order of their label values; never empty.
    package var series: [Series]
}

/// The figures of all metrics of applications.
package struct MetricsCounts: Sendable, Hashable {
    package var metrics = 0
    package var series = 0
    /// Series that were refused because there were too many, by metric.
    package var refused: [String: UInt64] = [:]
}
