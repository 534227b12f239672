import NIOCore
import Synchronization

/// The metrics of applications: declared by workers or by a configuration, changed by workers, and kept when workers end.
///
/// A metric is known by its full name. Workers use the name alone, without namespace and subsystem, as in RoadRunner; they
/// must use the full one when two metrics share the name.
package final class MetricsRegistry: Sendable {
    package struct Limits: Sendable {
        /// The most series of one metric.
        package var mostSeries = 10_000
        /// The most memory of all metrics, roughly, in bytes.
        package var mostBytes = 256 << 20

        package init() {}
    }

    fileprivate struct Index {
        var collectors: [String: Collector] = [:]
        /// Full names, by the name alone.
        var fullNames: [String: [String]] = [:]
        /// The metric that each exposed name belongs to.
        var samples: [String: String] = [:]
    }

    private let index = Mutex(Index())
    private let memory: MetricsMemory
    private let mostSeries: Int
    private let isReserved: @Sendable (String) -> Bool
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - isReserved: Whether a name belongs to a metric of the server itself.
    ///   - now: A clock that never goes back, in nanoseconds.
    package init(
        limits: Limits = Limits(),
        isReserved: @escaping @Sendable (String) -> Bool,
        now: @escaping @Sendable () -> Int64 = { Int64(clamping: NIODeadline.now().uptimeNanoseconds) }
    ) {
        self.memory = MetricsMemory(limit: limits.mostBytes)
        self.mostSeries = limits.mostSeries
        self.isReserved = isReserved
        self.now = now
    }

    /// Declares a metric. One that is there already with the same definition is left as it is: every worker declares.
    package func declare(_ declaration: MetricDeclaration) throws(MetricFault) {
        let definition = try declaration.definition()
        let samples = definition.sampleNames
        if let reserved = samples.first(where: self.isReserved) {
            throw MetricFault("`\(reserved)` is a name of the server's own metrics")
        }
        let fault: MetricFault? = self.index.withLock { index in
            if let other = index.collectors[definition.name]?.definition {
                guard other != definition else {
                    // The same metric may be declared by other parts of its name.
                    index.add(name: declaration.name, of: definition.name)
                    return nil
                }
                // PHP's client knows the first words, and goes on.
                return MetricFault(
                    "tried to register existing collector \(definition.name): it is \(other), not \(definition)")
            }
            for sample in samples {
                guard let other = index.samples[sample] else { continue }
                return MetricFault(
                    "duplicate metrics collector registration attempted: "
                        + "`\(sample)` is exposed by both `\(other)` and `\(definition.name)`")
            }
            let collector = Collector(definition, memory: self.memory, mostSeries: self.mostSeries, at: self.now())
            guard let collector else {
                return MetricFault("there are too many metrics")
            }
            index.collectors[definition.name] = collector
            index.add(name: declaration.name, of: definition.name)
            for sample in samples {
                index.samples[sample] = definition.name
            }
            return nil
        }
        if let fault {
            throw fault
        }
    }

    package func unregister(_ name: String) throws(MetricFault) {
        let collector = try self.index.withLock { index in
            let result = index.collector(name)
            if case .success(let collector) = result {
                index.remove(collector.definition)
            }
            return result
        }.get()
        collector.close()
    }

    /// Changes a series of a metric; the series is made when it is not there.
    ///
    /// - Parameters:
    ///   - name: The name alone, or the full one.
    ///   - labels: Values, in the order of the declaration.
    package func perform(
        _ operation: MetricOperation, _ name: String, _ value: Double, labels: [String]
    ) throws(MetricFault) {
        let collector: Collector
        do throws(MetricFault) {
            collector = try self.index.withLock { $0.collector(name) }.get()
        } catch {
            throw operation == .add ? error.withAdvice : error
        }
        try collector.perform(operation, value, labels: labels, name: name, at: self.now())
    }

    /// All metrics that have a series, by name.
    package func snapshots() -> [MetricSnapshot] {
        let collectors = self.index.withLock { Array($0.collectors.values) }
        let now = self.now()
        return collectors.sorted { $0.definition.name < $1.definition.name }.compactMap { $0.snapshot(at: now) }
    }

    package var counts: MetricsCounts {
        let collectors = self.index.withLock { Array($0.collectors.values) }
        var counts = MetricsCounts(metrics: collectors.count)
        for collector in collectors {
            let (series, refused) = collector.counts
            counts.series += series
            if refused > 0 {
                counts.refused[collector.definition.name] = refused
            }
        }
        return counts
    }
}

extension MetricsRegistry.Index {
    mutating func add(name: String, of fullName: String) {
        if !self.fullNames[name, default: []].contains(fullName) {
            self.fullNames[name, default: []].append(fullName)
        }
    }

    mutating func remove(_ definition: MetricDefinition) {
        self.collectors[definition.name] = nil
        for sample in definition.sampleNames {
            self.samples[sample] = nil
        }
        // Few names have this metric, but nobody knows which: unregistering is rare.
        for (name, fullNames) in self.fullNames where fullNames.contains(definition.name) {
            let others = fullNames.filter { $0 != definition.name }
            self.fullNames[name] = others.isEmpty ? nil : others
        }
    }

    func collector(_ name: String) -> Result<Collector, MetricFault> {
        if let collector = self.collectors[name] {
            return .success(collector)
        }
        guard let fullNames = self.fullNames[name], let collector = self.collectors[fullNames[0]] else {
            return .failure(MetricFault("undefined collector \(name)"))
        }
        guard fullNames.count == 1 else {
            return .failure(
                MetricFault(
                    "collector `\(name)` is ambiguous: use one of \(fullNames.sorted().joined(separator: ", "))"))
        }
        return .success(collector)
    }
}

extension MetricFault {
    fileprivate var withAdvice: MetricFault {
        self.description.hasPrefix("undefined")
            ? MetricFault("\(self.description), try first Declare the desired collector") : self
    }
}
