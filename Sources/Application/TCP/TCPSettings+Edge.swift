import Edge
import NIOCore
import Sockets
import TLS

extension Edge {
    /// The stages of a server's connections, the one next to the socket first: each makes the next one possible.
    ///
    /// - Parameter tls: The certificates, if the server has `tls`.
    init(_ settings: ListenerSettings, _ tls: TLSServer?) {
        var stages: [@Sendable () -> Stage] = []
        if let proxyProtocol = settings.proxyProtocol {
            let rules = ProxyRules(proxyProtocol)
            stages.append { .reading(ProxyStage(rules)) }
        }
        var upgrade: Upgrade?
        if let tls, let keys = settings.tls {
            let timeout = TimeAmount(clamping: keys.handshakeTimeout)
            let make: Upgrade = { TLSStage(tls.contexts, timeout: timeout) }
            if keys.startTLS {
                upgrade = make
            } else {
                stages.append { .encrypting(make()) }
            }
        }
        let isOpen = stages.isEmpty && upgrade == nil
        self = isOpen ? .open : Edge(upgrade: upgrade) { [stages] in stages.map { $0() } }
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
