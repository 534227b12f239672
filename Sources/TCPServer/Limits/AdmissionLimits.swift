import Addresses

/// Who may connect to a server, and how many.
package struct AdmissionLimits: Sendable, Equatable {
    /// If there are any, others are refused.
    package var allow: [AddressBlock] = []
    /// Refused even if they are allowed.
    package var deny: [AddressBlock] = []
    /// `nil`: no limit; as below.
    package var connections: Int?
    /// Whether connections beyond ``connections`` are closed; else they wait in the backlog.
    package var closesBeyond = false
    package var connectionsPerClient: Int?
    /// Beyond it new connections wait in the backlog.
    package var accepts: Rate?
    package var acceptsPerClient: Rate?
    /// Whether what would be refused, or would wait, is only counted.
    package var isDryRun = false

    package init() {}

    /// Whether they limit nothing.
    package var isEmpty: Bool {
        var other = self
        other.closesBeyond = false
        other.isDryRun = false
        return other == AdmissionLimits()
    }

    /// Whether the lists let an address in.
    func admits(_ address: IPAddress) -> Bool {
        !self.deny.contains { $0.contains(address) }
            && (self.allow.isEmpty || self.allow.contains { $0.contains(address) })
    }
}

/// The limit that refuses a connection, or has it wait.
package enum Refusal: String, Sendable, Hashable, CaseIterable {
    case denied
    case maxConnections = "max_connections"
    case maxConnectionsPerIP = "max_connections_per_ip"
    case acceptRate = "accept_rate"
    case acceptRatePerIP = "accept_rate_per_ip"
}
