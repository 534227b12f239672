import Features
import Observability
import Synchronization
import Testing

/// What happened to features, in order.
private final class Record: Sendable {
    private let list = Mutex<[String]>([])

    var all: [String] { self.list.withLock { $0 } }

    func add(_ entry: String) {
        self.list.withLock { $0.append(entry) }
    }
}

private struct Failure: Error {}

private struct Recorded: Feature {
    var name: String
    var record: Record
    var failsToStart = false
    var failsToReload = false
    var health = FeatureHealth()

    func start(_ service: ServiceView) async throws {
        self.record.add("start \(self.name)")
        if self.failsToStart { throw Failure() }
    }

    func ready() { self.record.add("ready \(self.name)") }
    func reloading() { self.record.add("reloading \(self.name)") }
    func drain() { self.record.add("drain \(self.name)") }
    func stop() async { self.record.add("stop \(self.name)") }

    func prepareReload(_ settings: Int) async throws -> PreparedReload {
        self.record.add("prepare \(self.name) \(settings)")
        if self.failsToReload { throw Failure() }
        return PreparedReload {
            self.record.add("commit \(self.name)")
        } undo: {
            self.record.add("undo \(self.name)")
        }
    }

    func addMetrics(to text: inout PrometheusText) {
        text.family(self.name, .gauge, "A number.", 1)
    }
}

/// Has no settings, and nothing to do at any moment.
private struct Idle: Feature {}

@Suite struct FeatureListTests {
    private struct Settings {
        var one = 1
        var two = 2
    }

    private let record = Record()
    private let view = ServiceView(metrics: { PrometheusText() }, health: { HealthReport(.serving, []) })

    private func list(_ change: (inout Recorded, inout Recorded) -> Void = { _, _ in }) -> FeatureList<Settings> {
        var (one, two) = (Recorded(name: "a", record: self.record), Recorded(name: "b", record: self.record))
        change(&one, &two)
        return FeatureList([Part(one, \.one), Part(Idle()), Part(two, \.two)])
    }

    @Test("Features start in order and stop in the reverse one")
    func life() async throws {
        let list = self.list()
        try await list.start(self.view)
        list.ready()
        list.reloading()
        list.drain()
        await list.stop()
        #expect(
            self.record.all == [
                "start a", "start b", "ready a", "ready b", "reloading a", "reloading b", "drain a", "drain b",
                "stop b",
                "stop a",
            ]
        )
    }

    @Test("One that cannot start stops all, those after it as well")
    func failedStart() async throws {
        let list = self.list { one, _ in one.failsToStart = true }
        await #expect(throws: Failure.self) { try await list.start(self.view) }
        #expect(self.record.all == ["start a", "stop b", "stop a"])
    }

    @Test("A reload is prepared by each with its own settings, then taken over by all")
    func reload() async throws {
        let prepared = try await self.list().prepareReload(Settings())
        #expect(self.record.all == ["prepare a 1", "prepare b 2"])
        prepared.commit()
        #expect(self.record.all.suffix(2) == ["commit a", "commit b"])
    }

    @Test("One that cannot reload makes the others give up what they prepared")
    func failedReload() async throws {
        let list = self.list { _, two in two.failsToReload = true }
        await #expect(throws: Failure.self) { try await list.prepareReload(Settings()) }
        #expect(self.record.all == ["prepare a 1", "prepare b 2", "undo a"])
    }

    @Test("Metrics and health are those of all")
    func observation() {
        let list = self.list { one, _ in one.health.readyFault = "ill" }
        var text = PrometheusText()
        list.addMetrics(to: &text)
        #expect(text.text.contains("a 1\n") && text.text.contains("b 1\n"))
        #expect(list.health.compactMap(\.readyFault) == ["ill"])
    }

    @Test("A task is over when its feature has stopped")
    func task() async {
        let task = BackgroundTask()
        await task.stop()
        let record = self.record
        task.start {
            try? await Task.sleep(for: .seconds(3600))
            record.add("over")
        }
        await task.stop()
        #expect(record.all == ["over"])
    }
}
