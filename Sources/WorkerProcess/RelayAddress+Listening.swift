import NIOCore
import Sockets

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension RelayAddress {
    /// Workers that may wait to be accepted.
    private static let backlog: CInt = 1024

    /// Binds and listens; the file of a unix socket that nobody listens on is replaced.
    ///
    /// - Returns: A socket that does not block, and that workers do not inherit.
    func listen() throws -> CInt {
        let address: SocketAddress
        switch self {
        case .unix(let path):
            try SocketFile.removeStale(path)
            address = try SocketAddress(unixDomainSocketPath: path)
        case .tcp(let host, let port):
            address = try SocketAddress.makeAddressResolvingHost(host, port: port)
        }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(CInt(address.protocol.rawValue), type, 0)
        guard descriptor >= 0 else {
            throw IOError(errnoCode: errno, reason: "socket")
        }
        var on: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        guard address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0,
            Glibc.listen(descriptor, Self.backlog) == 0
        else {
            let error = IOError(errnoCode: errno, reason: "bind")
            close(descriptor)
            throw error
        }
        return descriptor
    }
}
