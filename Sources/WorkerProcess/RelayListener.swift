import Dispatch
public import Logging
import NIOCore
import Sockets

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The socket that workers connect to (`server.relay`), and the handshake that tells whose a connection is.
///
/// SwiftNIO cannot move a channel to another event loop, and it is the worker that decides on which one its relay
/// lives: so connections are accepted here, on a queue, and become channels when they have been matched.
/// Everything but the constants is confined to the queue.
public final class RelayListener: @unchecked Sendable {
    /// A connection and what was read from it.
    struct Connection {
        let descriptor: CInt
        let received: ByteBuffer
    }

    /// The relay was closed, or nobody wants the connection any more.
    struct Abandoned: Error {}

    /// Why the relay's socket cannot be listened on, in one line.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public var description: String
    }

    /// How long a connection may leave it open whose it is.
    private static let introductionTime = DispatchTimeInterval.seconds(10)
    /// Connections of which that is not known; more are closed. There are at most 500 workers.
    private static let callerLimit = 1024
    private static let acceptPause = DispatchTimeInterval.seconds(1)

    public let address: RelayAddress
    private let serverPID: Int
    private let logger: Logger
    private let queue = DispatchQueue(label: "relay")
    private let source: any DispatchSourceRead

    private var matcher = RelayMatcher<UInt64, EventLoopPromise<Connection>>()
    private var callers: [UInt64: RelayCaller] = [:]
    private var lastID: UInt64 = 0
    private var isPaused = false
    private var isClosed = false

    /// Listens.
    ///
    /// - Parameters:
    ///   - serverPID: This process's id, which the handshake tells.
    ///   - credentials: Who else may connect to a unix socket: whom the workers run as.
    /// - Throws: ``Failure``.
    public init(address: RelayAddress, serverPID: Int, credentials: Credentials?, logger: Logger) throws {
        self.address = address
        self.serverPID = serverPID
        self.logger = logger
        let descriptor: CInt
        do {
            descriptor = try address.listen()
        } catch {
            let reason = (error as? IOError)?.listenFailure ?? "\(error)"
            throw Failure(description: "cannot listen on \(address) (server.relay): \(reason)")
        }
        self.source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: self.queue)
        self.source.setCancelHandler { Glibc.close(descriptor) }
        self.source.setEventHandler { [weak self] in self?.accept(from: descriptor) }
        self.admit(credentials)
        self.source.activate()
    }

    /// Lets another user connect to a unix socket.
    func admit(_ credentials: Credentials?) {
        guard let credentials, case .unix(let path) = self.address else {
            return
        }
        if chown(path, credentials.userID, credentials.groupID) != 0 {
            let error = String(cString: strerror(errno))
            self.logger.error("cannot give the relay's socket to the workers' user", metadata: ["error": "\(error)"])
        }
    }

    /// The connection of a process that was started, when it has connected.
    ///
    /// - Returns: Fails with ``Abandoned`` after ``abandon(_:)`` or ``close()``.
    func connection(of process: pid_t, on eventLoop: any EventLoop) -> EventLoopFuture<Connection> {
        let promise = eventLoop.makePromise(of: Connection.self)
        self.queue.async {
            guard !self.isClosed else {
                return promise.fail(Abandoned())
            }
            if let caller = self.matcher.claim(process, for: promise).flatMap({ self.callers[$0] }) {
                self.handOver(caller, to: promise)
            }
        }
        return promise.futureResult
    }

    /// Nobody waits any more for a process to connect.
    func abandon(_ process: pid_t) {
        self.queue.async {
            self.matcher.abandon(process)?.fail(Abandoned())
        }
    }

    /// Closes the socket and removes its file; connections that were handed over live on.
    public func close() {
        self.queue.sync {
            guard !self.isClosed else {
                return
            }
            self.isClosed = true
            self.removeFile()
            if self.isPaused {
                // Dispatch does not let go of a suspended source.
                self.source.resume()
            }
            self.source.cancel()
            for caller in self.callers.values {
                self.close(caller)
            }
            for promise in self.matcher.abandonAll() {
                promise.fail(Abandoned())
            }
        }
    }

    /// Removes the file of the socket, for a process that leaves at once.
    public func removeFile() {
        if case .unix(let path) = self.address {
            SocketFile.remove(path)
        }
    }
}

// MARK: - On the queue

extension RelayListener {
    private func accept(from descriptor: CInt) {
        while true {
            let connection = Glibc.accept(descriptor, nil, nil)
            if connection >= 0 {
                self.accepted(connection)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EINTR, ECONNABORTED: continue
            default: return self.pause(after: errno)
            }
        }
    }

    /// Out of descriptors, mostly: the socket stays readable, so that looking again at once would spin.
    private func pause(after error: CInt) {
        let reason = String(cString: strerror(error))
        self.logger.error("cannot accept a worker's connection, trying again", metadata: ["error": "\(reason)"])
        self.isPaused = true
        self.source.suspend()
        self.queue.asyncAfter(deadline: .now() + Self.acceptPause) {
            if self.isPaused, !self.isClosed {
                self.isPaused = false
                self.source.resume()
            }
        }
    }

    private func accepted(_ descriptor: CInt) {
        guard self.callers.count < Self.callerLimit else {
            Glibc.close(descriptor)
            return
        }
        // No worker inherits it meanwhile: swift-subprocess closes all that is open.
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0, fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else {
            Glibc.close(descriptor)
            return
        }
        if case .tcp = self.address {
            var on: CInt = 1
            setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        }
        self.lastID += 1
        let id = self.lastID
        let caller = RelayCaller(id: id, descriptor: descriptor, queue: self.queue) { [weak self] caller, event in
            switch event {
            case .introduced(let pid): self?.introduced(caller, as: pid)
            case .failed: self?.refuse(caller, "it does not speak as a worker")
            }
        }
        self.callers[id] = caller
        guard caller.greet(serverPID: self.serverPID) else {
            return self.close(caller)
        }
        self.queue.asyncAfter(deadline: .now() + Self.introductionTime) { [weak self] in
            if let self, let caller = self.callers[id] {
                self.refuse(caller, "it does not say, or not rightly, which worker it is")
            }
        }
    }

    /// A worker leads its process group: what was started through a shell, say, is known by that.
    private func introduced(_ caller: RelayCaller, as pid: pid_t) {
        let group = getpgid(pid)
        switch self.matcher.introduced(caller.id, as: group > 0 ? group : pid) {
        case .handOver(let promise): self.handOver(caller, to: promise)
        case .wait: break
        case .refuse: self.refuse(caller, "another one has said that it is the same worker")
        }
    }

    private func handOver(_ caller: RelayCaller, to promise: EventLoopPromise<Connection>) {
        self.callers[caller.id] = nil
        let received = caller.received
        caller.release { promise.succeed(Connection(descriptor: $0, received: received)) }
    }

    private func refuse(_ caller: RelayCaller, _ reason: String) {
        self.logger.warning("a connection to the relay is refused", metadata: ["reason": "\(reason)"])
        self.close(caller)
    }

    private func close(_ caller: RelayCaller) {
        self.matcher.closed(caller.id)
        self.callers[caller.id] = nil
        caller.release()
    }
}
