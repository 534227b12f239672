import Addresses
import Logging
import NIOCore

extension RedisClient {
    func link(to address: ListenAddress) -> Link {
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

    func watchSentinels() {
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

    func whenKnown(_ body: @escaping (RedisError?) -> Void) {
        if self.router.masters != nil { return body(nil) }
        if let failure = self.discovery.failure { return body(failure) }
        self.waiting.append(body)
        self.discover()
    }

    func discover() {
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

    func dismissInquiries() {
        let inquiries = self.inquiries
        self.inquiries = []
        for inquiry in inquiries { inquiry.close() }
    }

    private func endInquiry(of address: ListenAddress) {
        guard let index = self.inquiries.firstIndex(where: { $0.address == address }) else { return }
        self.inquiries.remove(at: index).close()
    }

    func endWaiting(_ error: RedisError?) {
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
