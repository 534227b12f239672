import Addresses
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A client of one server, of the master that sentinels name, or of a cluster: one pipelined connection to each server, made
/// anew whenever it is lost.
///
/// Commands that are sent together and go to the same server are written together and in order. Servers that cannot be
/// reached fail calls, nothing else. All state is confined to one event loop.
package final class RedisClient: @unchecked Sendable {
    package typealias Results = [Result<RESPValue, RedisError>]

    package let isCluster: Bool
    let configuration: RedisConfiguration
    let eventLoop: any EventLoop
    /// Whether the event loop still runs what it is given.
    private let isRunning = Mutex(true)
    /// All callers of ``close()`` wait for this one: none can wait on an event loop that another has ended.
    private let closing = Mutex<Task<Void, Never>?>(nil)
    private let group: MultiThreadedEventLoopGroup
    let logger: Logger
    let refusals = Atomic<Int>(0)

    var router: Router
    var discovery = Discovery()
    var links: [ListenAddress: Link] = [:]
    var inquiries: [Link] = []
    /// To sentinels, which tell when they have chosen another master: the old one goes on for seconds as if it were one.
    var watches: [Link] = []
    /// Wait until the servers are known, or cannot be found out.
    var waiting: [(RedisError?) -> Void] = []
    var commands = 0
    var bytes = 0
    var life = Life.open

    enum Life {
        /// → closing
        case open
        /// → closed
        case closing(EventLoopPromise<Void>)
        case closed
    }

    /// A client with an event loop of its own, which ``close()`` ends.
    ///
    /// - Parameter logger: Is told when a server is lost and reached again.
    package init(_ configuration: RedisConfiguration, logger: Logger) {
        self.configuration = configuration
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.eventLoop = self.group.next()
        self.logger = logger
        self.router = Router(configuration)
        if case .cluster = configuration.topology { self.isCluster = true } else { self.isCluster = false }
    }

    /// Commands that were refused because too many waited.
    package var refused: Int { self.refusals.load(ordering: .relaxed) }

    /// Connects in the background; calls may come before.
    package func start() {
        self.onLoop {
            if let masters = self.router.masters {
                for master in masters { _ = self.link(to: master) }
            } else {
                self.discover()
                self.watchSentinels()
            }
        }
    }

    /// Sends commands; a slot's commands are run in their order.
    ///
    /// - Parameter completion: Called once, on the event loop, with a result for each command.
    package func send(_ commands: [RedisCommand], _ completion: @escaping @Sendable (Results) -> Void) {
        let isRunning = self.onLoop { self.send(commands.map { ($0, nil) }, completion) }
        if !isRunning { completion(commands.map { _ in .failure(.closed) }) }
    }

    /// Sends a command to every server that takes writes.
    package func sendToMasters(_ command: RedisCommand, _ completion: @escaping @Sendable (Results) -> Void) {
        let isRunning = self.onLoop {
            guard case .open = self.life else { return completion([.failure(.closed)]) }
            self.whenKnown { error in
                if let error { return completion([.failure(error)]) }
                self.send((self.router.masters ?? []).map { (command, $0) }, completion)
            }
        }
        if !isRunning { completion([.failure(.closed)]) }
    }

    /// Waits for the replies that are on their way, fails the calls that are not, and closes all connections.
    package func close() async {
        let closing = self.closing.withLock { closing in
            let task = closing ?? Task { await self.closeOnce() }
            closing = task
            return task
        }
        await closing.value
    }

    private func closeOnce() async {
        let closed = self.eventLoop.makePromise(of: Void.self)
        self.onLoop { self.close(closed) }
        try? await closed.futureResult.get()
        self.isRunning.withLock { $0 = false }
        // Nothing comes after what the loop was given by now.
        try? await self.eventLoop.submit {}.get()
        try? await self.group.shutdownGracefully()
    }

    /// - Returns: Whether the body has run or will run.
    @discardableResult
    private func onLoop(_ body: @escaping @Sendable () -> Void) -> Bool {
        if self.eventLoop.inEventLoop {
            body()
            return true
        }
        return self.isRunning.withLock { isRunning in
            if isRunning { self.eventLoop.execute(body) }
            return isRunning
        }
    }
}

// MARK: The end

extension RedisClient {
    private func close(_ closed: EventLoopPromise<Void>) {
        self.life = .closing(closed)
        self.endWaiting(.closed)
        for call in self.links.values.flatMap({ $0.giveBack() }) {
            call.complete(.failure(.closed))
        }
        self.finishClosing()
    }

    func finishClosing() {
        guard case .closing(let closed) = self.life, self.commands == 0 else { return }
        self.life = .closed
        self.dismissInquiries()
        for link in Array(self.links.values) + self.watches { link.close() }
        self.links = [:]
        self.watches = []
        closed.succeed()
    }
}
