/// A change of a metric.
package enum MetricOperation: Sendable, Hashable {
    case add
    case sub
    case set
    case observe
}

/// The series of one metric: a value, or a histogram or summary, for each combination of label values.
struct MetricFamily: Sendable {
    let definition: MetricDefinition
    /// The place of each series, by its label values.
    private var places: [[String]: Int] = [:]
    /// The numbers of all series, ``width`` each: the value; or the count of each bucket, then the sum; or count and sum.
    private var numbers: [Double] = []
    /// Of a summary with objectives, one a series.
    private var windows: [QuantileWindow] = []

    /// A metric without labels has its one series from the start.
    init(_ definition: MetricDefinition, at now: Int64) {
        self.definition = definition
        if definition.labels.isEmpty {
            _ = self.addSeries([], at: now)
        }
    }

    private var width: Int {
        switch self.definition.kind {
        case .counter, .gauge: 1
        case .histogram(let bounds): bounds.count + 2
        case .summary: 2
        }
    }

    var seriesCount: Int {
        self.places.count
    }

    /// The place of a series; `nil` when there is none yet.
    func place(_ labels: [String]) -> Int? {
        self.places[labels]
    }

    /// Adds a series with zeros.
    mutating func addSeries(_ labels: [String], at now: Int64) -> Int {
        let place = self.places.count
        self.places[labels] = place
        self.numbers += repeatElement(0, count: self.width)
        if case .summary(let objectives) = self.definition.kind, !objectives.isEmpty {
            self.windows.append(QuantileWindow(at: now))
        }
        return place
    }

    /// The most memory of a series, roughly, in bytes.
    func cost(_ labels: [String]) -> Int {
        let texts = labels.reduce(0) { $0 + 32 + $1.utf8.count }
        let hasObjectives =
            if case .summary(let objectives) = self.definition.kind { !objectives.isEmpty } else { false }
        return 128 + texts + 16 * self.width + (hasObjectives ? QuantileWindow.cost : 0)
    }

    /// Checks what does not depend on the series.
    ///
    /// - Parameter name: As the caller has it, for errors.
    /// - Returns: The label values of the series.
    func check(
        _ operation: MetricOperation, _ value: Double, labels: [String], name: String
    ) throws(MetricFault) -> [String] {
        guard self.definition.kind.takes(operation) else {
            throw operation.unsupported(name)
        }
        guard value.isFinite else {
            throw MetricFault("the value of collector `\(name)` is not a finite number")
        }
        if self.definition.kind == .counter, value < 0 {
            throw MetricFault("counter cannot decrease in value: \(name)")
        }
        let expected = self.definition.labels.count
        // RoadRunner does not look at labels that a metric does not have.
        guard expected > 0 else {
            return []
        }
        guard !labels.isEmpty else {
            let isGauge = self.definition.kind == .gauge
            throw MetricFault("required labels for collector \(isGauge ? name : "`\(name)`")")
        }
        guard labels.count == expected else {
            let list = labels.prefix(MetricDeclaration.mostLabels).map { $0.debugDescription }.joined(separator: ", ")
            throw MetricFault(
                "inconsistent label cardinality: expected \(expected) label values but got \(labels.count) "
                    + "in []string{\(list)}")
        }
        return labels
    }

    /// Changes a series.
    ///
    /// - Parameter value: Checked.
    mutating func perform(
        _ operation: MetricOperation, _ value: Double, at place: Int, now: Int64, name: String
    ) throws(MetricFault) {
        let start = place * self.width
        // The number that could leave the finite ones: the value, or the sum, which comes last.
        let index = start + self.width - 1
        let result =
            switch operation {
            case .add, .observe: self.numbers[index] + value
            case .sub: self.numbers[index] - value
            case .set: value
            }
        guard result.isFinite else {
            throw MetricFault("the value of collector `\(name)` would not be a finite number")
        }
        self.numbers[index] = result
        switch self.definition.kind {
        case .counter, .gauge: break
        case .histogram(let bounds): self.numbers[start + bounds.firstIndex(atLeast: value)] += 1
        case .summary:
            self.numbers[start] += 1
            if !self.windows.isEmpty {
                self.windows[place].add(value, at: now)
            }
        }
    }

    /// All series, in the order of their label values.
    func series(at now: Int64) -> [MetricSnapshot.Series] {
        let width = self.width
        return self.places.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { labels, place in
            let numbers = self.numbers[place * width..<(place + 1) * width]
            let value: MetricSnapshot.Value =
                switch self.definition.kind {
                case .counter, .gauge: .number(numbers[numbers.startIndex])
                case .histogram:
                    .histogram(counts: numbers.dropLast().map { UInt64($0) }, sum: numbers[numbers.endIndex - 1])
                case .summary(let objectives):
                    .summary(
                        quantiles: self.quantiles(objectives, place, now),
                        count: UInt64(numbers[numbers.startIndex]),
                        sum: numbers[numbers.endIndex - 1]
                    )
                }
            return MetricSnapshot.Series(labels: labels, value: value)
        }
    }

    private func quantiles(
        _ objectives: [QuantileObjective], _ place: Int, _ now: Int64
    ) -> [MetricSnapshot.Quantile] {
        guard !objectives.isEmpty else {
            return []
        }
        var window = self.windows[place]
        let quantiles = objectives.map(\.quantile)
        return zip(quantiles, window.values(of: quantiles, at: now)).map { .init(quantile: $0, value: $1) }
    }
}

extension MetricDefinition.Kind {
    fileprivate func takes(_ operation: MetricOperation) -> Bool {
        switch (self, operation) {
        case (.counter, .add), (.gauge, .add), (.gauge, .sub), (.gauge, .set): true
        case (.histogram, .observe), (.summary, .observe): true
        default: false
        }
    }
}

extension MetricOperation {
    /// RoadRunner's words, which differ from operation to operation.
    fileprivate func unsupported(_ name: String) -> MetricFault {
        switch self {
        case .add: MetricFault("collector \(name) does not support method `Add`")
        case .sub: MetricFault("collector `\(name)` does not support method `Sub`")
        case .set: MetricFault("collector `\(name)` does not support method Set")
        case .observe: MetricFault("collector `\(name)` does not support method `Observe`")
        }
    }
}

extension [Double] {
    /// The first of these ascending bounds that is not below a value; their count when all are.
    fileprivate func firstIndex(atLeast value: Double) -> Int {
        var low = 0
        var high = self.count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
