import Synchronization

/// One metric and its lock.
final class Collector: Sendable {
    private struct State {
        var family: MetricFamily
        /// Of all series.
        var bytes: Int
        var refused: UInt64 = 0
        var isClosed = false
    }

    let definition: MetricDefinition
    private let memory: MetricsMemory
    private let mostSeries: Int
    private let state: Mutex<State>

    /// - Returns: `nil` when there is no memory for it.
    init?(_ definition: MetricDefinition, memory: MetricsMemory, mostSeries: Int, at now: Int64) {
        let family = MetricFamily(definition, at: now)
        let texts = definition.labels.reduce(definition.help.utf8.count) { $0 + $1.utf8.count }
        let bytes = 1024 + 10 * definition.name.utf8.count + texts + family.cost([])
        guard memory.take(bytes) else {
            return nil
        }
        self.definition = definition
        self.memory = memory
        self.mostSeries = mostSeries
        self.state = Mutex(State(family: family, bytes: bytes))
    }

    var counts: (series: Int, refused: UInt64) {
        self.state.withLock { ($0.family.seriesCount, $0.refused) }
    }

    func perform(
        _ operation: MetricOperation, _ value: Double, labels: [String], name: String, at now: Int64
    ) throws(MetricFault) {
        try self.state.withLock { state throws(MetricFault) in
            let labels = try state.family.check(operation, value, labels: labels, name: name)
            let place: Int
            if let existing = state.family.place(labels) {
                place = existing
            } else {
                place = try self.addSeries(labels, to: &state, name: name, at: now)
            }
            try state.family.perform(operation, value, at: place, now: now, name: name)
        }
    }

    /// - Returns: `nil` without series.
    func snapshot(at now: Int64) -> MetricSnapshot? {
        // Sorting and rendering thousands of series must not hold up those who count.
        let family = self.state.withLock { $0.family }
        guard family.seriesCount > 0 else {
            return nil
        }
        return MetricSnapshot(definition: self.definition, series: family.series(at: now))
    }

    /// Gives its memory back; a call that has found it before gets no new series.
    func close() {
        let bytes = self.state.withLock { state in
            defer {
                state.isClosed = true
                state.bytes = 0
            }
            return state.bytes
        }
        self.memory.giveBack(bytes)
    }

    private func addSeries(
        _ labels: [String], to state: inout State, name: String, at now: Int64
    ) throws(MetricFault) -> Int {
        guard !state.isClosed else {
            throw MetricFault("undefined collector \(name)")
        }
        let cost = state.family.cost(labels)
        guard state.family.seriesCount < self.mostSeries else {
            state.refused += 1
            throw MetricFault(
                "collector `\(name)` has \(self.mostSeries) series already: its labels have too many values")
        }
        guard self.memory.take(cost) else {
            state.refused += 1
            throw MetricFault("there is no memory for another series of collector `\(name)`")
        }
        state.bytes += cost
        return state.family.addSeries(labels, at: now)
    }
}

/// The memory that all metrics share.
final class MetricsMemory: Sendable {
    private let free: Mutex<Int>

    init(limit: Int) {
        self.free = Mutex(limit)
    }

    /// - Returns: Whether there was enough.
    func take(_ bytes: Int) -> Bool {
        self.free.withLock { free in
            guard bytes <= free else { return false }
            free -= bytes
            return true
        }
    }

    func giveBack(_ bytes: Int) {
        self.free.withLock { $0 += bytes }
    }
}
