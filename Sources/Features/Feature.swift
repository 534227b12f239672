import Observability

/// A part of the service with settings, a life, metrics and health of its own.
///
/// The moments of its life: ``start(_:)``, before `server.on_init` and the first worker; ``ready()``, when every listener
/// is bound; for a reload ``reloading()``, ``prepareReload(_:)`` and ``ready()``; ``drain()``, when the end begins;
/// ``stop()``, when the last worker is gone. Features start in the order of the composition and stop in the reverse one.
/// Of the others none is waited for but ``prepareReload(_:)``: nothing may hold up the end.
package protocol Feature: Sendable {
    /// The section, or sections, that concern it.
    associatedtype FeatureSettings: Sendable = Void

    /// Throws when the service cannot do without it: then nothing is started.
    func start(_ service: ServiceView) async throws

    func ready()

    func reloading()

    /// Does all of a reload that may fail, and changes nothing that is in effect. Keys that take effect at the next start
    /// only are ignored here: the warning about them is derived from their marks.
    func prepareReload(_ settings: FeatureSettings) async throws -> PreparedReload

    func drain()

    /// Releases everything that it holds, also when it was not started or a prepared reload was not committed.
    func stop() async

    /// Adds its metrics. Not on an event loop with packets: it may take milliseconds.
    func addMetrics(to text: inout PrometheusText)

    /// How it is while the service serves.
    var health: FeatureHealth { get }
}

extension Feature {
    package func start(_ service: ServiceView) async throws {}
    package func ready() {}
    package func reloading() {}
    package func prepareReload(_ settings: FeatureSettings) async throws -> PreparedReload { PreparedReload() }
    package func drain() {}
    package func stop() async {}
    package func addMetrics(to text: inout PrometheusText) {}
    package var health: FeatureHealth { FeatureHealth() }
}

/// The whole service, as far as a feature may see it.
package struct ServiceView: Sendable {
    package var metrics: @Sendable () -> PrometheusText
    package var health: @Sendable () -> HealthReport

    package init(
        metrics: @escaping @Sendable () -> PrometheusText,
        health: @escaping @Sendable () -> HealthReport
    ) {
        self.metrics = metrics
        self.health = health
    }
}

/// A reload that can no longer fail.
package struct PreparedReload: Sendable {
    package var commit: @Sendable () -> Void
    package var undo: @Sendable () async -> Void

    /// - Parameters:
    ///   - commit: Takes the change over.
    ///   - undo: Gives it up, since another feature could not prepare its own.
    package init(commit: @escaping @Sendable () -> Void = {}, undo: @escaping @Sendable () async -> Void = {}) {
        self.commit = commit
        self.undo = undo
    }
}
