import Observability

/// A part of the service with its own settings, lifecycle, metrics and health.
///
/// The moments of its life: ``start(_:)``, before `server.on_init` and the first worker; ``ready()``, when every listener
/// is bound; for a reload ``reloading()``, ``prepareReload(_:)`` and ``ready()``; ``drain()``, when the end begins;
/// ``stop()``, when the last worker is gone. Features start in the order of the composition and stop in the reverse one.
/// Of the others, only ``prepareReload(_:)`` is waited for: nothing may delay the stop.
package protocol Feature: Sendable {
    /// The section, or sections, that concern it.
    associatedtype FeatureSettings: Sendable = Void

    /// Starts the feature. An error keeps the service from starting.
    func start(_ service: ServiceView) async throws

    func ready()

    func reloading()

    /// Performs every step of a reload that may fail, without changing anything in effect. Keys that take effect only
    /// at the next start are ignored here: the warning about them is derived from their marks.
    func prepareReload(_ settings: FeatureSettings) async throws -> PreparedReload

    func drain()

    /// Releases all resources, even if the feature was not started or a prepared reload was not committed.
    func stop() async

    /// Adds the feature's metrics. It may take milliseconds, so it is not called on an event loop with packets.
    func addMetrics(to text: inout PrometheusText)

    /// The feature's health while the service is serving.
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
    ///   - commit: Applies the change.
    ///   - undo: Discards the change, because another feature could not prepare its own.
    package init(commit: @escaping @Sendable () -> Void = {}, undo: @escaping @Sendable () async -> Void = {}) {
        self.commit = commit
        self.undo = undo
    }
}
