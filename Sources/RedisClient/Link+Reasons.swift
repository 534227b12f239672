import Addresses
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

extension Link {
    /// Why a connection failed, in one line and in Go's words where it has some.
    func reason(_ error: any Error, of call: String) -> String {
        switch error {
        case let error as IOError: "\(call): \(String(cString: strerror(error.errnoCode)).lowercased())"
        case ChannelError.connectTimeout: "i/o timeout"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { self.reason($0.error, of: call) }
                ?? (error.dnsAError ?? error.dnsAAAAError).map { _ in "lookup \(error.host): no such host" }
                ?? "no address"
        case let error as RESPFault: "protocol: \(error.reason)"
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            "tls: the certificate is not for \(self.address.host)"
        case is NIOSSLError, is BoringSSLError: "tls: \(Self.boringSSLReason("\(error)"))"
        default: "\(error)".split(separator: "\n").joined(separator: " ")
        }
    }

    /// The words of the library's own reason; what is around them names its source files.
    private static func boringSSLReason(_ text: String) -> String {
        let mark = "OPENSSL_internal:"
        guard let start = text.firstRange(of: mark) else { return text }
        return text[start.upperBound...].prefix { $0 != " " }.lowercased().split(separator: "_").joined(separator: " ")
    }
}

extension ListenAddress {
    /// The address that a client connects to: without a host it is this machine.
    var dialled: ListenAddress {
        guard case .tcp(host: "", let port) = self else { return self }
        return .tcp(host: "127.0.0.1", port: port)
    }

    /// The name that a certificate must be for; without one, it is the address.
    var serverName: String? {
        guard case .tcp(let host, _) = self, (try? SocketAddress(ipAddress: host, port: 0)) == nil, !host.isEmpty else {
            return nil
        }
        return host
    }

    fileprivate var host: String {
        switch self.dialled {
        case .tcp(let host, _): host
        case .unix(let path): path
        }
    }
}
