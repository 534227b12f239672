import Addresses
import NIOCore
import Synchronization

extension RedisClient {
    func send(_ commands: [(RedisCommand, ListenAddress?)], _ completion: @escaping (Results) -> Void) {
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

    func submit(_ call: Call) {
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

    func carryOut(_ verdict: Router.Verdict, on call: Call, _ link: Link?) {
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
