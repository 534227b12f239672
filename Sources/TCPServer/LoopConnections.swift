import NIOCore
import WorkerPool

/// The connections of one event loop, and what they share; all but the constants is confined to that loop.
final class LoopConnections: @unchecked Sendable {
    let eventLoop: any EventLoop
    /// Index of the loop in the pool's list.
    let loopIndex: Int
    /// Of all loops together.
    let limit: ConnectionLimit
    let pendingAnswers: PendingAnswers
    var uuids = UUIDGenerator()
    /// Read buffers that nobody uses, the last one returned last: it is the warmest.
    private var spareBuffers: [ByteBuffer] = []
    private var connections: [ConnectionHandler] = []
    /// Connections whose clients have not taken all of their answers.
    var behind: [ConnectionHandler] = []
    var backlogWatch: RepeatedTask?
    /// Whether the server is stopping, and sessions do not go on.
    private(set) var endsConnections = false
    private var idleWatch: RepeatedTask?
    private var whenEmpty: EventLoopPromise<Void>?

    init(eventLoop: any EventLoop, loopIndex: Int, limit: ConnectionLimit, pendingAnswers: PendingAnswers) {
        self.eventLoop = eventLoop
        self.loopIndex = loopIndex
        self.limit = limit
        self.pendingAnswers = pendingAnswers
    }

    var count: Int {
        self.connections.count
    }

    func add(_ connection: ConnectionHandler) {
        connection.position = self.connections.count
        self.connections.append(connection)
    }

    func remove(_ connection: ConnectionHandler) {
        let position = connection.position
        guard self.connections.indices.contains(position), self.connections[position] === connection else {
            return
        }
        self.connections.swapAt(position, self.connections.count - 1)
        self.connections[position].position = position
        self.connections.removeLast()
        if self.connections.isEmpty, self.whenEmpty != nil {
            self.idleWatch?.cancel()
            self.whenEmpty?.succeed()
            self.whenEmpty = nil
        }
    }

    /// Closes every socket, whatever is still to be written.
    func cutOff() {
        for connection in self.connections {
            connection.cutOff()
        }
    }

    /// Ends the connections that are left, also those whose client does not read.
    ///
    /// - Returns: Done when none is left.
    func end() -> EventLoopFuture<Void> {
        for connection in self.connections {
            connection.end()
        }
        return self.drain(idle: nil)
    }

    /// The most buffers, and bytes of each, that are kept: 4 MiB a loop.
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

    /// Keeps the memory of a buffer that nobody else uses for the next read.
    func recycle(_ buffer: consuming ByteBuffer) {
        guard self.spareBuffers.count < Self.spareBufferLimit, buffer.storageCapacity <= Self.spareBufferSize else {
            return
        }
        buffer.clear()
        self.spareBuffers.append(buffer)
    }

    /// How many times a connection is looked at in the time that it may rest.
    private static let looks = 4

    /// Ends the connections, those that are still accepted included.
    ///
    /// - Parameter idle: How long a connection may rest between two packets before it is ended; `nil` ends each as soon
    ///   as what is complete is served.
    /// - Returns: Done when none is left.
    func drain(idle: TimeAmount?) -> EventLoopFuture<Void> {
        self.idleWatch?.cancel()
        if let idle {
            let interval = max(TimeAmount.milliseconds(1), .nanoseconds(idle.nanoseconds / Int64(Self.looks)))
            self.idleWatch = self.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: interval) { _ in
                for connection in self.connections {
                    connection.drainIfAtRest(looks: idle > .zero ? Self.looks : 0)
                }
            }
        } else {
            self.endsConnections = true
            for connection in self.connections {
                connection.drain()
            }
        }
        guard !self.connections.isEmpty else {
            self.idleWatch?.cancel()
            return self.eventLoop.makeSucceededVoidFuture()
        }
        let promise = self.whenEmpty ?? self.eventLoop.makePromise(of: Void.self)
        self.whenEmpty = promise
        return promise.futureResult
    }
}
