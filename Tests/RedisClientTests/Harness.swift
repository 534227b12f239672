import Addresses
import Logging
import NIOCore
import RedisClient
import Synchronization
import TestSupport
import Testing

extension RedisServer {
    var address: ListenAddress { .tcp(host: "127.0.0.1", port: self.port) }
}

extension RedisClient {
    static func started(
        _ topology: RedisConfiguration.Topology, _ change: (inout RedisConfiguration) -> Void = { _ in }
    )
        -> RedisClient
    {
        var configuration = RedisConfiguration(topology)
        // A busy machine must not fail a test.
        configuration.dialTimeout = .seconds(30)
        configuration.readTimeout = .seconds(30)
        configuration.writeTimeout = .seconds(30)
        change(&configuration)
        let logger = Logger(label: "redis") { _ in SwiftLogNoOpLogHandler() }
        let client = RedisClient(configuration, logger: logger)
        client.start()
        return client
    }

    func results(_ commands: [RedisCommand]) async -> Results {
        await withCheckedContinuation { continuation in
            self.send(commands) { continuation.resume(returning: $0) }
        }
    }

    /// Runs a command; its first argument is its key.
    @discardableResult
    func run(_ words: String...) async throws(RedisError) -> RESPValue {
        let slot = words.count > 1 ? HashSlot(of: ByteBuffer(string: words[1])) : nil
        return try await self.results([RedisCommand(words.map { .text($0) }, slot: slot)])[0].get()
    }

    func error(_ words: String...) async -> RedisError? {
        let command = RedisCommand(words.map { .text($0) }, slot: HashSlot(of: ByteBuffer(string: words[1])))
        guard case .failure(let error) = await self.results([command])[0] else { return nil }
        return error
    }

    /// Tries again and again until a command succeeds: for what servers do by themselves.
    @discardableResult
    func eventually(_ words: String..., within time: Duration = .seconds(60)) async throws -> RESPValue {
        let command = RedisCommand(words.map { .text($0) }, slot: HashSlot(of: ByteBuffer(string: words[1])))
        let end = ContinuousClock.now + time
        while true {
            switch await self.results([command])[0] {
            case .success(let value): return value
            case .failure(let error):
                guard ContinuousClock.now < end else { throw error }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}

func text(_ text: String) -> RESPValue { .bulk(ByteBuffer(string: text)) }
