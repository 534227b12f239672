/// Where the service is between its start and its exit.
public enum ServicePhase: Sendable, Hashable {
    /// Workers are being started, listeners bound.
    case starting
    case serving
    /// It was asked to stop: connections end, workers end.
    case draining
}

/// What a probe's answer depends on.
public struct HealthFacts: Sendable, Hashable {
    public var phase: ServicePhase
    /// Servers whose listener is not bound at the moment.
    public var serversNotListening: [String]
    /// How long there has been no worker to serve with; `nil` when there is one.
    public var withoutWorkersFor: Duration?
    /// `status.unavailable_after`: zero means never.
    public var unavailableAfter: Duration

    public init(
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
public struct HealthReport: Sendable, Hashable {
    /// Why a restart of this process may help: `/health`.
    public var healthFault: String?
    /// Why no traffic should come here: `/ready`.
    public var readyFault: String?

    public init(_ facts: HealthFacts) {
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
