import Glibc
import Logging
import NIOCore

/// A bound socket that no channel or dispatch source has taken over yet. It is non-blocking and not inherited.
///
/// All listeners bind through this type. A unix socket listens at once, see ``SocketFile``; a TCP socket gets no
/// connection before ``listen()``, so that a failure to bind one of several sockets affects no client.
package struct BoundSocket: Sendable {
    package struct Options: Sendable {
        /// Connections that may wait to be accepted; the system lowers it to `net.core.somaxconn`.
        package var backlog: CInt
        /// The permissions of a unix socket's file; `nil` leaves them to the umask.
        package var mode: mode_t?
        /// For TCP connections, which inherit it: whether small writes are sent at once.
        package var isWithoutDelay: Bool
        /// `nil` sends no probes.
        package var keepAlive: KeepAlive?

        package init(backlog: CInt, mode: mode_t? = nil, isWithoutDelay: Bool = false, keepAlive: KeepAlive? = nil) {
            self.backlog = backlog
            self.mode = mode
            self.isWithoutDelay = isWithoutDelay
            self.keepAlive = keepAlive
        }
    }

    /// Owned by the channel or the source that takes the socket over.
    package let descriptor: CInt
    /// The bound address, with the port that the system chose.
    package let address: SocketAddress
    package let file: SocketFile?
    /// The reason why a unix socket was bound without the lock that guards against another process starting.
    package let lockFailure: IOError?
    package let options: Options

    /// Binds to the first address whose kind the system supports. A unix socket may block the thread for half a second.
    ///
    /// - Parameter sharesPort: Whether the socket may share its port with conflicting listeners that allow it
    ///   (`SO_REUSEPORT`), until ``endSharing()``.
    /// - Throws: `IOError`.
    package static func bind(
        _ addresses: [SocketAddress],
        _ options: Options,
        sharesPort: Bool = false
    ) throws -> BoundSocket {
        var failure = IOError(errnoCode: EADDRNOTAVAIL, reason: "bind")
        for address in addresses {
            do {
                return try BoundSocket(address, options, sharesPort: sharesPort)
            } catch {
                failure = error
            }
            guard [EAFNOSUPPORT, EADDRNOTAVAIL].contains(failure.errnoCode) else {
                break
            }
        }
        throw failure
    }

    private init(_ address: SocketAddress, _ options: Options, sharesPort: Bool) throws(IOError) {
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(CInt(address.protocol.rawValue), type, 0)
        guard descriptor >= 0 else {
            throw IOError(errnoCode: errno, reason: "socket")
        }
        self.descriptor = descriptor
        self.options = options
        do throws(IOError) {
            if case .unixDomainSocket = address {
                (self.file, self.lockFailure) = try SocketFile.listen(
                    descriptor,
                    at: address.pathname ?? "",
                    address,
                    mode: options.mode,
                    backlog: options.backlog
                )
                self.address = address
            } else {
                (self.file, self.lockFailure) = (nil, nil)
                try Self.prepare(descriptor, options, sharesPort: sharesPort)
                guard address.withSockAddr({ systemBind(descriptor, $0, socklen_t($1)) }) == 0 else {
                    throw IOError(errnoCode: errno, reason: "bind")
                }
                self.address = try SocketAddress.local(of: descriptor)
            }
        } catch {
            systemClose(descriptor)
            throw error
        }
    }

    /// Sets the options that accepted sockets inherit: once instead of per connection.
    private static func prepare(_ descriptor: CInt, _ options: Options, sharesPort: Bool) throws(IOError) {
        let tcp = CInt(IPPROTO_TCP)
        try Self.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if sharesPort {
            try Self.set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
        }
        if options.isWithoutDelay {
            try Self.set(descriptor, tcp, TCP_NODELAY, 1)
        }
        if let keepAlive = options.keepAlive {
            for (level, option, value) in keepAlive.options {
                try Self.set(descriptor, level, option, value)
            }
        }
    }

    private static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt, _ value: CInt) throws(IOError) {
        var value = value
        guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0 else {
            throw IOError(errnoCode: errno, reason: "setsockopt")
        }
    }

    /// Forbids binding further sockets beside this one.
    func endSharing() throws(IOError) {
        try Self.set(self.descriptor, SOL_SOCKET, SO_REUSEPORT, 0)
    }

    /// Begins to listen. No effect if the socket already listens.
    ///
    /// - Throws: `IOError`.
    package func listen() throws {
        guard systemListen(self.descriptor, self.options.backlog) == 0 else {
            throw IOError(errnoCode: errno, reason: "listen")
        }
    }

    /// Logs a warning if the socket was bound without its lock.
    package func report(to logger: Logger) {
        guard let lockFailure else {
            return
        }
        logger.warning(
            "the directory of a unix socket cannot be locked, going on without: see that no other server starts there now",
            metadata: ["address": "\(self.address)", "error": "\(lockFailure)"]
        )
    }

    /// Closes the socket. It must not have been taken over.
    package func close() {
        self.file?.remove()
        systemClose(self.descriptor)
    }
}

extension SocketAddress {
    /// The address that a TCP socket is bound to.
    package static func local(of descriptor: CInt) throws(IOError) -> SocketAddress {
        try Self.address { getsockname(descriptor, $0, $1) }
    }

    /// The address of the other end of a TCP connection.
    package static func remote(of descriptor: CInt) throws(IOError) -> SocketAddress {
        try Self.address { getpeername(descriptor, $0, $1) }
    }

    private static func address(
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) throws(IOError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask($0, &length) }
        }
        guard code == 0 else {
            throw IOError(errnoCode: errno, reason: "getsockname")
        }
        let family = CInt(storage.ss_family)
        guard family == AF_INET || family == AF_INET6 else {
            throw IOError(errnoCode: EAFNOSUPPORT, reason: "not a TCP socket")
        }
        return withUnsafeBytes(of: storage) { bytes in
            family == AF_INET6
                ? SocketAddress(bytes.load(as: sockaddr_in6.self)) : SocketAddress(bytes.load(as: sockaddr_in.self))
        }
    }
}

// System functions whose names are shadowed within the types above.

func systemBind(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
    bind(descriptor, address, length)
}

func systemListen(_ descriptor: CInt, _ backlog: CInt) -> CInt {
    listen(descriptor, backlog)
}

private func systemClose(_ descriptor: CInt) {
    close(descriptor)
}
