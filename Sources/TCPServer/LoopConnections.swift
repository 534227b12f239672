import Edge
import NIOCore
import WorkerPool

/// The connections of one event loop and the state they share. All but the constants is confined to that loop.
final class LoopConnections: @unchecked Sendable {
    private enum Phase {
        case serving
        /// The server is stopping: sessions go on until they are idle.
        case draining
        /// The server is stopping: sessions do not go on.
        case ending
    }

    let eventLoop: any EventLoop
    /// Index of the loop in the pool's list.
    let loopIndex: Int
    /// Shared by all event loops.
    let limit: ConnectionLimit
    let pendingAnswers: PendingAnswers
    var ids: ConnectionIDGenerator
    /// Unused read buffers. The most recently returned one is last and is taken first: it is the warmest in the cache.
    private var spareBuffers: [ByteBuffer] = []
    private(set) var connections = ConnectionTable()
    /// Connections that have no session yet because a stage of the edge is waiting.
    private var entering: [ObjectIdentifier: any EdgeConnection] = [:]
    /// Connections whose clients have not taken all of their answers.
    var behind: [ConnectionHandler] = []
    var backlogWatch: RepeatedTask?
    /// The timers of connections that have timeouts.
    var wheel = TimerWheel()
    /// When the wheel is turned next.
    var wheelTurn: (tick: UInt64, task: Scheduled<Void>)?
    /// Consecutive checks that found no room for answers.
    var checksWithoutRoom = 0
    private var phase = Phase.serving
    /// Whether an answer or a CLOSE was given up since the server began to drain.
    private(set) var hasLost = false
    /// Connections whose last event is not done.
    private var sessions = 0
    private var watches: [RepeatedTask] = []
    private var spreadStepsLeft = 0
    private var whenSessionsEnd: EventLoopPromise<Void>?
    private var whenEmpty: EventLoopPromise<Void>?

    init(eventLoop: any EventLoop, loopIndex: Int, limit: ConnectionLimit, pendingAnswers: PendingAnswers) {
        self.eventLoop = eventLoop
        self.loopIndex = loopIndex
        self.limit = limit
        self.pendingAnswers = pendingAnswers
        self.ids = ConnectionIDGenerator(loopIndex: loopIndex)
    }

    var isServing: Bool {
        self.phase == .serving
    }

    /// Whether new connections are to be ended at once.
    var endsConnections: Bool {
        self.phase == .ending
    }

    var count: Int {
        self.connections.count + self.entering.count
    }

    /// Connections with an event still to be handled, or an answer that the client has not taken.
    var unfinishedCount: Int {
        self.connections.all.count { $0.isUnfinished }
    }

    func add(_ connection: ConnectionHandler) {
        self.connections.insert(connection)
        self.sessions += 1
    }

    func entered(_ connection: any EdgeConnection) {
        self.entering[ObjectIdentifier(connection)] = connection
    }

    func left(_ connection: any EdgeConnection) {
        self.entering[ObjectIdentifier(connection)] = nil
        self.tellEnds()
    }

    private func closeEntering() {
        for connection in Array(self.entering.values) {
            connection.close()
        }
    }

    /// Notes that an answer or a CLOSE was given up. While the server is running, only the log reports that; once it
    /// drains, the loss makes its exit a failure.
    func noteLoss() {
        self.hasLost = self.hasLost || self.phase != .serving
    }

    /// The last event of a connection is done.
    func sessionEnded() {
        self.sessions -= 1
        self.tellEnds()
    }

    private var hasSessions: Bool {
        self.sessions > 0 || !self.entering.isEmpty
    }

    private var hasConnections: Bool {
        !self.connections.isEmpty || !self.entering.isEmpty
    }

    /// Tells those who wait for the last session and the last connection.
    private func tellEnds() {
        if !self.hasSessions, let promise = self.whenSessionsEnd.take() {
            promise.succeed()
        }
        if !self.hasConnections, let promise = self.whenEmpty.take() {
            self.stopWatching()
            promise.succeed()
        }
    }

    func remove(_ connection: ConnectionHandler) {
        self.connections.remove(connection)
        self.tellEnds()
    }

    /// Closes every socket, even if bytes are still unwritten.
    func cutOff() {
        self.closeEntering()
        for connection in self.connections.all {
            connection.cutOff()
        }
    }

    /// Ends the remaining connections, including those with half a packet and those whose client does not read.
    func end() {
        self.drain(nil)
        for connection in self.connections.all {
            connection.end()
        }
    }

    /// The most spare buffers, and the most bytes of each, that are kept: 4 MiB per event loop.
    private static let spareBufferLimit = 16
    private static let spareBufferSize = 256 * 1024

    /// Takes an empty buffer of at least `capacity` and at most `maximum` bytes.
    func takeBuffer(capacity: Int, maximum: Int) -> ByteBuffer? {
        guard let last = self.spareBuffers.last, last.capacity <= maximum else {
            return nil
        }
        var buffer = self.spareBuffers.removeLast()
        if buffer.capacity < capacity {
            buffer.reserveCapacity(capacity)
        }
        return buffer
    }

    /// Keeps the memory of an unused buffer for the next read.
    func recycle(_ buffer: consuming ByteBuffer) {
        guard self.spareBuffers.count < Self.spareBufferLimit, buffer.storageCapacity <= Self.spareBufferSize else {
            return
        }
        buffer.clear()
        self.spareBuffers.append(buffer)
    }

    /// Checks of a connection per idle time.
    private static let checks = 4
    /// Steps in which connections that are never idle are ended.
    private static let spreadSteps = 20

    /// Ends the connections, including those that are accepted later.
    ///
    /// - Parameter rest: How long a connection may be idle between two packets before it is ended; `nil` ends each as
    ///   soon as its complete packets, and one that has begun, are served. One that is still inside the edge then has
    ///   nothing to be served, and is closed.
    func drain(_ rest: TCPServer.Rest?) {
        self.stopWatching()
        guard let rest else {
            self.phase = .ending
            self.closeEntering()
            for connection in self.connections.all {
                connection.drain()
            }
            return
        }
        self.phase = self.phase == .ending ? .ending : .draining
        let interval = max(TimeAmount.milliseconds(1), .nanoseconds(rest.idle.nanoseconds / Int64(Self.checks)))
        let checks = rest.idle > .zero ? Self.checks : 0
        self.watches.append(
            self.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: interval) { _ in
                for connection in self.connections.all {
                    connection.drainIfIdle(checks: checks)
                }
            })
        self.watches.append(
            self.eventLoop.scheduleRepeatedTask(initialDelay: rest.idle, delay: interval) { _ in
                self.closeEntering()
            })
        self.spreadStepsLeft = Self.spreadSteps
        let step = max(TimeAmount.milliseconds(1), .nanoseconds(rest.spreading.nanoseconds / Int64(Self.spreadSteps)))
        self.watches.append(
            self.eventLoop.scheduleRepeatedTask(initialDelay: rest.untilSpreading, delay: step) { _ in
                self.endShare()
            })
    }

    /// Ends an equal share of the sessions that are never idle at each remaining step.
    private func endShare() {
        let steps = self.spreadStepsLeft
        self.spreadStepsLeft = max(1, steps - 1)
        let goingOn = self.connections.all.filter { !$0.isDraining }
        for connection in goingOn.prefix((goingOn.count + steps - 1) / steps) {
            connection.drain()
        }
    }

    private func stopWatching() {
        for watch in self.watches {
            watch.cancel()
        }
        self.watches = []
    }

    /// Succeeds when the last event of the last connection is done.
    func sessionsEnded() -> EventLoopFuture<Void> {
        guard self.hasSessions else {
            return self.eventLoop.makeSucceededVoidFuture()
        }
        let promise = self.whenSessionsEnd ?? self.eventLoop.makePromise(of: Void.self)
        self.whenSessionsEnd = promise
        return promise.futureResult
    }

    /// Succeeds when no connection is left.
    func socketsClosed() -> EventLoopFuture<Void> {
        guard self.hasConnections else {
            self.stopWatching()
            return self.eventLoop.makeSucceededVoidFuture()
        }
        let promise = self.whenEmpty ?? self.eventLoop.makePromise(of: Void.self)
        self.whenEmpty = promise
        return promise.futureResult
    }
}

extension TCPServer {
    /// How long sessions go on while the server drains.
    package struct Rest: Sendable {
        /// How long a connection may be idle between two packets before it is ended.
        package var idle: TimeAmount
        /// The time after which connections that are never idle are ended, too, one after the other.
        package var untilSpreading: TimeAmount
        /// The time over which those ends are spread.
        package var spreading: TimeAmount

        package init(idle: TimeAmount, untilSpreading: TimeAmount, spreading: TimeAmount) {
            self.idle = idle
            self.untilSpreading = untilSpreading
            self.spreading = spreading
        }
    }
}
