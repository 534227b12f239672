import Addresses
import Logging
import NIOCore
import Synchronization

/// A client of one server, of the master that sentinels name, or of a cluster: one pipelined connection to each server, made
/// anew whenever it is lost.
///
/// Commands that are sent together and go to the same server are written together and in order. Servers that cannot be
/// reached fail calls, nothing else. All state is confined to one event loop.
package final class RedisClient: @unchecked Sendable {
    package typealias Results = [Result<RESPValue, RedisError>]

    package let isCluster: Bool
    private let configuration: RedisConfiguration
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let refusals = Atomic<Int>(0)

    private var router: Router
    private var discovery = Discovery()
    private var links: [ListenAddress: Link] = [:]
    private var inquiries: [Link] = []
    /// To sentinels, which tell when they have chosen another master: the old one goes on for seconds as if it were one.
    private var watches: [Link] = []
    /// Wait until the servers are known, or cannot be found out.
    private var waiting: [(RedisError?) -> Void] = []
    private var commands = 0
    private var bytes = 0
    private var life = Life.open

    private enum Life {
        /// → closing
        case open
        /// → closed
        case closing([EventLoopPromise<Void>])
        case closed
    }

    /// - Parameter logger: Is told when a server is lost and reached again.
    package init(_ configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
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
        self.onLoop { self.send(commands.map { ($0, nil) }, completion) }
    }

    /// Sends a command to every server that takes writes.
    package func sendToMasters(_ command: RedisCommand, _ completion: @escaping @Sendable (Results) -> Void) {
        self.onLoop {
            guard case .open = self.life else { return completion([.failure(.closed)]) }
            self.whenKnown { error in
                if let error { return completion([.failure(error)]) }
                self.send((self.router.masters ?? []).map { (command, $0) }, completion)
            }
        }
    }

    /// Waits for the replies that are on their way, fails the calls that are not, and closes all connections.
    package func close() async {
        let closed = self.eventLoop.makePromise(of: Void.self)
        self.onLoop { self.close(closed) }
        try? await closed.futureResult.get()
    }

    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if self.eventLoop.inEventLoop { body() } else { self.eventLoop.execute(body) }
    }
}

// MARK: Calls

extension RedisClient {
    private func send(_ commands: [(RedisCommand, ListenAddress?)], _ completion: @escaping (Results) -> Void) {
        guard !commands.isEmpty else { return completion([]) }
        let now = NIODeadline.now()
        let size = commands.reduce(0) { $0 + $1.0.size }
        guard case .open = self.life else { return completion(commands.map { _ in .failure(.closed) }) }
        guard self.commands + commands.count <= self.configuration.mostCommands,
            self.bytes + size <= self.configuration.mostBytes
        else {
            self.refusals.wrappingAdd(1, ordering: .relaxed)
            return completion(commands.map { _ in .failure(.overload) })
        }
        self.commands += commands.count
        self.bytes += size
        let gathered = Gathered(commands.count) { results in
            self.commands -= results.count
            self.bytes -= size
            completion(results)
            self.finishClosing()
        }
        for (index, (command, server)) in commands.enumerated() {
            self.submit(Call(command, arrived: now, pinned: server) { gathered.put($0, at: index) })
        }
    }

    private func submit(_ call: Call) {
        guard case .open = self.life else { return call.complete(.failure(.closed)) }
        switch self.router.target(of: call) {
        case .server(let address): self.link(to: address).submit(call)
        case .none(let error):
            self.discover()
            call.complete(.failure(error))
        case .unknown:
            self.whenKnown { error in
                guard let error else { return self.submit(call) }
                self.carryOut(self.router.verdict(on: call, error, isUnknown: false, now: .now()), on: call, nil)
            }
        }
    }

    private func carryOut(_ verdict: Router.Verdict, on call: Call, _ link: Link?) {
        var call = call
        if verdict.isOutdated { self.discover() }
        if verdict.endsLink { link?.restart(RedisError(.network, "redis: the server is no master any more")) }
        switch verdict.next {
        case .finish(let result): call.complete(result)
        case .retry(let pause):
            call.retries += 1
            call.isAsking = false
            self.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.submit(call) }
        case .redirect(let address):
            call.redirections += 1
            if case .open = self.life {
                call.isAsking = !verdict.isOutdated
                self.link(to: address).submit(call)
            } else {
                call.complete(.failure(.closed))
            }
        }
    }
}

// MARK: Servers

extension RedisClient {
    private func link(to address: ListenAddress) -> Link {
        if let link = self.links[address] { return link }
        let isSentinel = if case .sentinel = self.configuration.topology { true } else { false }
        var login = self.configuration.login
        if self.isCluster { login.database = 0 }
        let events = Link.Events(
            completed: { call, reply in
                self.carryOut(self.router.verdict(on: call, reply, from: address), on: call, self.links[address])
            },
            failed: { call, error, isUnknown in
                self.carryOut(
                    self.router.verdict(on: call, error, isUnknown: isUnknown, now: .now()), on: call, nil)
            },
            broke: { self.discover() },
            lost: { error in
                self.logger.warning(
                    "Redis cannot be reached, calls fail until it can",
                    metadata: ["redis.address": "\(address)", "error": "\(error)"])
            },
            reached: {
                self.logger.info("Redis is reached again", metadata: ["redis.address": "\(address)"])
            }
        )
        let greeting = Greeting(login, needsMaster: isSentinel)
        let link = Link(to: address, self.configuration, greeting, on: self.eventLoop, events: events)
        self.links[address] = link
        link.start()
        return link
    }

    private func watchSentinels() {
        guard case .sentinel = self.configuration.topology else { return }
        var configuration = self.configuration
        configuration.firstBackoff = .milliseconds(500)
        configuration.mostBackoff = .seconds(10)
        let greeting = Greeting(configuration.sentinelLogin, channel: "+switch-master")
        for address in self.router.sources {
            // What was said in the meantime is asked for.
            let events = Link.Events(reached: { self.discover() }, heard: { self.discover() })
            let watch = Link(to: address, configuration, greeting, on: self.eventLoop, events: events)
            self.watches.append(watch)
            watch.start()
        }
    }

    private func whenKnown(_ body: @escaping (RedisError?) -> Void) {
        if self.router.masters != nil { return body(nil) }
        if let failure = self.discovery.failure { return body(failure) }
        self.waiting.append(body)
        self.discover()
    }

    private func discover() {
        guard self.router.question != nil, case .open = self.life else { return }
        self.perform(self.discovery.start(self.router.sources))
    }

    private func perform(_ actions: [Discovery.Action]) {
        for action in actions {
            switch action {
            case .ask(let address): self.ask(address)
            case .hedge(let round):
                self.eventLoop.assumeIsolated().scheduleTask(in: Discovery.patience) {
                    self.perform(self.discovery.slow(round: round))
                }
            case .pause(let failures):
                let pause = self.configuration.backoff(after: failures)
                self.eventLoop.assumeIsolated().scheduleTask(in: pause) {
                    guard case .open = self.life else { return }
                    self.perform(self.discovery.pauseEnded(self.router.sources))
                }
            case .settle:
                self.eventLoop.assumeIsolated().scheduleTask(in: Discovery.settleTime) {
                    guard case .open = self.life else { return }
                    self.perform(self.discovery.settled(self.router.sources))
                }
            case .dismiss: self.dismissInquiries()
            case .tellFailed(let error, let isFirst):
                if isFirst {
                    self.logger.warning(
                        "no server tells where the Redis masters are, trying again", metadata: ["error": "\(error)"])
                }
                self.dismissInquiries()
                self.endWaiting(error)
            }
        }
    }

    private func dismissInquiries() {
        let inquiries = self.inquiries
        self.inquiries = []
        for inquiry in inquiries { inquiry.close() }
    }

    private func endInquiry(of address: ListenAddress) {
        guard let index = self.inquiries.firstIndex(where: { $0.address == address }) else { return }
        self.inquiries.remove(at: index).close()
    }

    private func endWaiting(_ error: RedisError?) {
        let waiting = self.waiting
        self.waiting = []
        for body in waiting { body(error) }
    }

    /// On a connection of its own, so that neither waits for the other's calls.
    private func ask(_ address: ListenAddress) {
        guard let question = self.router.question, case .open = self.life else { return }
        var configuration = self.configuration
        configuration.retries = 0
        var login = configuration.login
        if !self.isCluster { login = configuration.sentinelLogin }
        login.database = 0
        let events = Link.Events(
            completed: { _, reply in self.answered(reply, address) },
            failed: { _, error, _ in
                guard error.kind != .closed else { return }
                self.endInquiry(of: address)
                self.perform(self.discovery.failed(error))
            }
        )
        let link = Link(to: address, configuration, Greeting(login), on: self.eventLoop, events: events)
        self.inquiries.append(link)
        link.submit(Call(question, arrived: .now()) { _ in })
        link.start()
    }

    private func answered(_ reply: RESPValue, _ address: ListenAddress) {
        do {
            if try self.router.learn(reply, from: address) {
                let masters = self.router.masters ?? []
                self.logger.info(
                    "Redis masters found",
                    metadata: ["redis.masters": "\(masters.map { "\($0)" }.joined(separator: ","))"])
            }
            self.perform(self.discovery.succeeded())
            self.leaveOldServers(self.router.masters ?? [])
            self.endWaiting(nil)
        } catch {
            self.endInquiry(of: address)
            self.perform(self.discovery.failed(error))
        }
    }

    /// Calls that wait for a connection to a server that is no master go to one that is. Replies that are on their way are
    /// waited for.
    private func leaveOldServers(_ masters: [ListenAddress]) {
        for (address, link) in self.links where !masters.contains(address) {
            let calls = link.giveBack()
            if link.isIdle {
                self.links[address] = nil
                link.close()
            }
            for call in calls {
                self.submit(call)
            }
        }
        for master in masters {
            _ = self.link(to: master)
        }
    }
}

// MARK: The end

extension RedisClient {
    private func close(_ closed: EventLoopPromise<Void>) {
        switch self.life {
        case .closed: closed.succeed()
        case .closing(let promises): self.life = .closing(promises + [closed])
        case .open:
            self.life = .closing([closed])
            self.endWaiting(.closed)
            for call in self.links.values.flatMap({ $0.giveBack() }) {
                call.complete(.failure(.closed))
            }
            self.finishClosing()
        }
    }

    private func finishClosing() {
        guard case .closing(let promises) = self.life, self.commands == 0 else { return }
        self.life = .closed
        self.dismissInquiries()
        for link in Array(self.links.values) + self.watches { link.close() }
        self.links = [:]
        self.watches = []
        for promise in promises { promise.succeed() }
    }
}

/// Results that come one by one, confined to an event loop.
private final class Gathered {
    private var results: RedisClient.Results
    private var missing: Int
    private let completion: (RedisClient.Results) -> Void

    init(_ count: Int, _ completion: @escaping (RedisClient.Results) -> Void) {
        self.results = Array(repeating: .success(.null), count: count)
        self.missing = count
        self.completion = completion
    }

    func put(_ result: Result<RESPValue, RedisError>, at index: Int) {
        self.results[index] = result
        self.missing -= 1
        if self.missing == 0 {
            self.completion(self.results)
        }
    }
}
