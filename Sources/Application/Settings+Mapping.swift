import Configuration
import NIOCore
import Platform
import Sockets

extension TimeAmount {
    /// A duration between nothing and ten years: sums of it with any date do not overflow.
    init(clamping duration: Duration) {
        let longest: Int64 = 10 * 365 * 24 * 3600
        let (seconds, attoseconds) = duration.components
        let clamped = min(max(seconds, 0), longest)
        self = .nanoseconds(clamped * 1_000_000_000 + (clamped == seconds ? attoseconds / 1_000_000_000 : 0))
    }
}

extension SocketEndpoint {
    package init(_ address: ListenAddress) {
        switch address {
        case .tcp(let host, let port): self = .tcp(host: host, port: port)
        case .unix(let path): self = .unix(path: path)
        }
    }
}
