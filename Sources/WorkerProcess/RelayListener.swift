import Addresses
import Dispatch
import Glibc
import Logging
import NIOCore
import Platform
import Sockets

/// The socket that workers connect to (`server.relay`), and the handshake that matches a connection with its worker.
///
/// SwiftNIO cannot move a channel to another event loop, and it is the worker that decides on which one its relay
/// lives: so connections are accepted here, on a queue, and become channels when they have been matched.
///
/// A connection's claim is not trusted, because any process of this machine may be able to connect. It becomes a
/// worker's if the system reports that the other end is held by the process that was started for that worker, or by one
/// of its group or its descendants; and it is kept only while such a process lives.
/// Everything but the constants is confined to the queue.
package final class RelayListener: @unchecked Sendable {
    /// A connection and the bytes that were read from it.
    struct Connection {
        let descriptor: CInt
        let received: ByteBuffer
    }

    private enum SourceState {
        /// Connections are accepted. Can become `suspended` or `closed`.
        case active
        /// The gate is closed. Can become `active` or `closed`.
        case suspended
        /// Final.
        case closed
    }

    /// The relay was closed, or the connection is no longer wanted.
    struct Abandoned: Error {}

    /// The reason why the relay cannot listen on its socket, in one line.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// How long a connection may take to introduce itself.
    private static let introductionTime = DispatchTimeInterval.seconds(10)
    /// The least time that a connection has for that, however many others connect.
    private static let leastIntroductionTime: UInt64 = 100_000_000
    /// The pause of accepting while no earlier connection can make room.
    private static let roomPause = TimeAmount.milliseconds(10)
    /// Connections that are accepted in a row: those before them introduce themselves meanwhile.
    private static let batch = 64
    /// The least that ``init(address:serverPID:credentials:callerLimit:logger:)`` may be given.
    package static let leastCallerLimit = 64
    /// The most that makes sense: there are at most 500 workers.
    package static let largestCallerLimit = 512

    /// Workers that may wait to be accepted.
    private static let options = BoundSocket.Options(backlog: 1024, isWithoutDelay: true)
    /// The least time between two lines of the log about connections that are refused.
    private static let logInterval = TimeAmount.seconds(1)

    package let address: ListenAddress
    private let file: SocketFile?
    private let serverPID: Int
    /// The most connections that are not matched with a worker; the oldest makes room for new ones.
    private let callerLimit: Int
    private let logger: Logger
    private let queue = DispatchQueue(label: "relay")
    private let source: any DispatchSourceRead

    private var matcher = RelayMatcher<UInt64, EventLoopPromise<Connection>>()
    private var callers: [UInt64: RelayCaller] = [:]
    private var lastID: UInt64 = 0
    private var gate = AcceptGate()
    private var sourceState = SourceState.active
    /// By level, so that strangers' connections do not suppress lines about workers.
    private var mayLogAt: [Logger.Level: NIODeadline] = [:]
    /// Connections refused since the last log line about it.
    private var refusedSilently = 0

    /// Listens.
    ///
    /// - Parameters:
    ///   - serverPID: This process's id, which the handshake tells.
    ///   - credentials: The user that the workers run as: it may connect to a unix socket, too.
    ///   - callerLimit: Connections that may wait to be known as a worker's.
    /// - Throws: ``Failure``.
    package init(
        address: ListenAddress,
        serverPID: Int,
        credentials: Credentials?,
        callerLimit: Int,
        logger: Logger
    ) throws {
        self.address = address
        self.serverPID = serverPID
        self.callerLimit = callerLimit
        self.logger = logger
        let socket: BoundSocket
        do {
            socket = try BoundSocket.bind(try address.resolvedNow(), Self.options)
            try socket.listen()
        } catch {
            let reason = (error as? IOError)?.listenFailure ?? "\(error)"
            throw Failure(description: "cannot listen on \(address.url) (server.relay): \(reason)")
        }
        socket.report(to: logger)
        self.file = socket.file
        let descriptor = socket.descriptor
        self.source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: self.queue)
        self.source.setCancelHandler { Glibc.close(descriptor) }
        self.source.setEventHandler { [weak self] in self?.accept(from: descriptor) }
        self.admit(credentials)
        self.source.activate()
    }

    /// Allows another user to connect to a unix socket.
    func admit(_ credentials: Credentials?) {
        guard let credentials, case .unix(let path) = self.address else {
            return
        }
        if chown(path, credentials.userID, credentials.groupID) != 0 {
            let error = String(cString: strerror(errno))
            self.logger.error("cannot give the relay's socket to the workers' user", metadata: ["error": "\(error)"])
        }
    }

    /// The connection of a started process, once it has connected.
    ///
    /// - Returns: Fails with ``Abandoned`` after ``abandon(_:)`` or ``close()``.
    func connection(of process: pid_t, on eventLoop: any EventLoop) -> EventLoopFuture<Connection> {
        let promise = eventLoop.makePromise(of: Connection.self)
        self.queue.async {
            if case .closed = self.sourceState {
                return promise.fail(Abandoned())
            }
            self.claim(process, for: promise)
        }
        return promise.futureResult
    }

    /// The process has ended, or its connection is no longer awaited.
    func abandon(_ process: pid_t) {
        self.queue.async {
            let (promise, connection) = self.matcher.abandon(process)
            promise?.fail(Abandoned())
            if let caller = connection.flatMap({ self.callers[$0] }) {
                self.close(caller)
            }
        }
    }

    /// Closes the socket and removes its file; connections that were handed over live on.
    package func close() {
        self.queue.sync {
            switch self.sourceState {
            case .closed: return
            // Dispatch does not release a suspended source.
            case .suspended: self.source.resume()
            case .active: break
            }
            self.sourceState = .closed
            self.file?.remove()
            self.source.cancel()
            for caller in self.callers.values {
                self.close(caller)
            }
            for promise in self.matcher.abandonAll() {
                promise.fail(Abandoned())
            }
        }
    }
}

// MARK: - On the queue

extension RelayListener {
    private func accept(from descriptor: CInt) {
        // The source fires again if there are more.
        for _ in 0..<Self.batch {
            guard self.makesRoom() else {
                return self.run(self.gate.wait(Self.roomPause))
            }
            let connection = Glibc.accept(descriptor, nil, nil)
            if connection >= 0 {
                self.accepted(connection)
                continue
            }
            let code = errno
            guard code != EAGAIN else {
                return
            }
            let action = self.gate.failed(code)
            if action == .nothing {
                continue
            }
            if self.gate.logsFailure(at: .now()) {
                let reason = String(cString: strerror(code))
                self.logger.error("cannot accept a worker's connection, trying again", metadata: ["error": "\(reason)"])
            }
            return self.run(action)
        }
    }

    /// - Returns: Whether a connection may be accepted; not when all are so new that a worker may be among them.
    private func makesRoom() -> Bool {
        guard self.callers.count >= self.callerLimit, let oldest = self.oldestStranger else {
            return true
        }
        guard DispatchTime.now().uptimeNanoseconds - oldest.since.uptimeNanoseconds >= Self.leastIntroductionTime else {
            return false
        }
        self.refuse(oldest, "there are too many that do not say which worker they are")
        return true
    }

    /// The socket stays readable while connections wait: its source would fire again at once.
    private func run(_ action: AcceptGate.Action) {
        guard case .pause(let time, _) = action, case .active = self.sourceState else {
            return
        }
        self.sourceState = .suspended
        self.source.suspend()
        self.queue.asyncAfter(deadline: .now() + .nanoseconds(Int(time.nanoseconds))) {
            guard case .suspended = self.sourceState else {
                return
            }
            _ = self.gate.pauseIsOver([])
            self.sourceState = .active
            self.source.resume()
        }
    }

    private func accepted(_ descriptor: CInt) {
        // No worker inherits it meanwhile: swift-subprocess closes all that is open.
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0, fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else {
            Glibc.close(descriptor)
            return
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
                self.refuse(caller, "it does not say which worker it is, or that worker was not started")
            }
        }
    }

    /// The connection that has been silent for longest. If there are too many, one always exists: those that wait to be
    /// claimed belong to different workers.
    private var oldestStranger: RelayCaller? {
        self.callers.values.filter { $0.claimed == nil }.min { $0.id < $1.id }
    }

    /// A worker is known by its process group or its descendants: it may have been started through a shell.
    private func introduced(_ caller: RelayCaller, as claimed: pid_t) {
        let lineage = ProcessLineage(of: claimed).processes
        let worker =
            lineage.first { self.matcher.standing(of: $0) != .isUnknown }
            ?? lineage.first { ProcessLineage.isLivingChild($0) }
        guard let worker else {
            return self.refuse(caller, "process \(claimed) is no worker")
        }
        // Checked before the slow query of the system, so that strangers can cause it only for starting workers.
        guard self.matcher.standing(of: worker) != .isTaken else {
            return self.refuse(caller, "worker \(worker) is connected already")
        }
        guard self.isVerified(caller, worker, claimed) else {
            return
        }
        if let promise = self.matcher.connected(caller.id, as: worker) {
            self.handOver(caller, to: promise)
        }
    }

    private func claim(_ process: pid_t, for promise: EventLoopPromise<Connection>) {
        // Verified again: processes may have changed since it introduced itself.
        if let caller = self.matcher.parked(as: process).flatMap({ self.callers[$0] }), let claimed = caller.claimed,
            self.isVerified(caller, process, claimed)
        {
            self.matcher.claim(process, for: promise, isParked: true)
            self.handOver(caller, to: promise)
        } else {
            self.matcher.claim(process, for: promise, isParked: false)
        }
    }

    /// Refuses a connection that is not the worker's.
    private func isVerified(_ caller: RelayCaller, _ worker: pid_t, _ claimed: pid_t) -> Bool {
        switch caller.peer.belongs(to: worker, claimed: claimed) {
        case .belongs:
            return true
        case .stranger(let reason):
            self.refuse(caller, "it says that it is worker \(worker), and \(reason)")
        case .unknown(let reason):
            self.refuse(caller, "it says that it is worker \(worker), and that cannot be verified: \(reason)", .error)
        }
        return false
    }

    private func handOver(_ caller: RelayCaller, to promise: EventLoopPromise<Connection>) {
        self.callers[caller.id] = nil
        let received = caller.received
        caller.release { promise.succeed(Connection(descriptor: $0, received: received)) }
    }

    private func refuse(_ caller: RelayCaller, _ reason: String, _ level: Logger.Level = .warning) {
        self.close(caller)
        let now = NIODeadline.now()
        guard now >= self.mayLogAt[level] ?? now else {
            self.refusedSilently += 1
            return
        }
        self.mayLogAt[level] = now + Self.logInterval
        var metadata: Logger.Metadata = ["reason": "\(reason)"]
        if self.refusedSilently > 0 {
            metadata["refused.before"] = "\(self.refusedSilently)"
            self.refusedSilently = 0
        }
        self.logger.log(level: level, "a connection to the relay is refused", metadata: metadata)
    }

    private func close(_ caller: RelayCaller) {
        self.matcher.closed(caller.id)
        self.callers[caller.id] = nil
        caller.release()
    }
}
