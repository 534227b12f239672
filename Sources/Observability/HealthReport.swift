/// The phase of the service between its start and its exit.
package enum ServicePhase: Sendable, Hashable {
    /// Workers are being started and listeners bound.
    case starting
    case serving
    /// The service was asked to stop: connections and workers are ending.
    case draining
}

/// The faults of a feature; `nil` means none.
package struct FeatureHealth: Sendable, Hashable {
    /// The reason why the service should get no traffic.
    package var readyFault: String?
    /// The reason why a restart of this process may help.
    package var healthFault: String?

    package init(readyFault: String? = nil, healthFault: String? = nil) {
        self.readyFault = readyFault
        self.healthFault = healthFault
    }
}

/// The answers to the probes (docs/configuration.md); `nil` means that all is well.
package struct HealthReport: Sendable, Hashable {
    /// `/health`.
    package var healthFault: String?
    /// `/ready`.
    package var readyFault: String?

    /// - Parameter features: The first fault of each kind is reported, but only while the service is serving: a service
    ///   that starts or drains is not ready, and a restart would not help it.
    package init(_ phase: ServicePhase, _ features: [FeatureHealth]) {
        switch phase {
        case .starting:
            self.readyFault = "the service is starting"
        case .draining:
            self.readyFault = "the service is stopping"
        case .serving:
            self.readyFault = features.lazy.compactMap(\.readyFault).first
            self.healthFault = features.lazy.compactMap(\.healthFault).first
        }
    }
}
