import Edge
import NIOCore

extension Edge {
    /// The stages of a server's connections, the one next to the socket first: each makes the next one possible.
    init(_ settings: ListenerSettings) {
        var stages: [@Sendable () -> Stage] = []
        if let proxyProtocol = settings.proxyProtocol {
            let rules = ProxyRules(proxyProtocol)
            stages.append { .reading(ProxyStage(rules)) }
        }
        self = stages.isEmpty ? .open : Edge { [stages] in stages.map { $0() } }
    }
}

extension ProxyRules {
    convenience init(_ settings: ProxyProtocolSettings) {
        self.init(
            sources: settings.from.compactMap(\.block),
            includesUnix: settings.from.contains(.unix),
            timeout: TimeAmount(clamping: settings.timeout),
            versions: settings.versions,
            isOptional: settings.isOptional
        )
    }
}
