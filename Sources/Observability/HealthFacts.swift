/// Where the service is between its start and its exit.
package enum ServicePhase: Sendable, Hashable {
    /// Workers are being started, listeners bound.
    case starting
    case serving
    /// It was asked to stop: connections end, workers end.
    case draining
}

/// What a probe's answer depends on.
package struct HealthFacts: Sendable, Hashable {
    package var phase: ServicePhase
    /// Servers whose listener is not bound at the moment.
    package var serversNotListening: [String]
    /// How long there has been no worker to serve with; `nil` when there is one.
    package var withoutWorkersFor: Duration?
    /// `status.unavailable_after`: zero means never.
    package var unavailableAfter: Duration

    package init(
        phase: ServicePhase,
        serversNotListening: [String] = [],
        withoutWorkersFor: Duration? = nil,
        unavailableAfter: Duration = .zero
    ) {
        self.phase = phase
        self.serversNotListening = serversNotListening
        self.withoutWorkersFor = withoutWorkersFor
        self.unavailableAfter = unavailableAfter
    }
}

/// What the probes say (docs/configuration.md); `nil` means all is well.
package struct HealthReport: Sendable, Hashable {
    /// Why a restart of this process may help: `/health`.
    package var healthFault: String?
    /// Why no traffic should come here: `/ready`.
    package var readyFault: String?

    package init(_ facts: HealthFacts) {
        self.healthFault = Self.healthFault(facts)
        self.readyFault = Self.readyFault(facts)
    }

    /// Only a lasting loss of all workers: who starts or drains is to be left alone.
    private static func healthFault(_ facts: HealthFacts) -> String? {
        guard facts.phase == .serving, facts.unavailableAfter > .zero, let time = facts.withoutWorkersFor,
            time >= facts.unavailableAfter
        else {
            return nil
        }
        return "no worker could be started for \(time.components.seconds) s"
    }

    private static func readyFault(_ facts: HealthFacts) -> String? {
        switch facts.phase {
        case .starting:
            return "the service is starting"
        case .draining:
            return "the service is stopping"
        case .serving:
            if !facts.serversNotListening.isEmpty {
                return "not listening: \(facts.serversNotListening.joined(separator: ", "))"
            }
            return facts.withoutWorkersFor == nil ? nil : "no worker is ready"
        }
    }
}
