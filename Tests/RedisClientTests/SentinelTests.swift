import Addresses
import Glibc
import NIOCore
import RedisClient
import TestSupport
import Testing

/// A master, its replica and a sentinel, all with passwords.
private struct Replicated {
    let master: RedisServer
    let replica: RedisServer
    let sentinel: RedisServer

    init() throws {
        let login = ["--requirepass", "secret", "--masterauth", "secret"]
        self.master = try RedisServer(login)
        self.replica = try RedisServer(login + ["--replicaof", "127.0.0.1", "\(self.master.port)"])
        // A sentinel that starts before would see the replica only after ten seconds.
        while !self.replica.log.contains("sync: Finished with success") { usleep(5000) }
        self.sentinel = try RedisServer(
            kind: .sentinel(
                configuration: """
                    requirepass guard
                    sentinel monitor main 127.0.0.1 \(self.master.port) 1
                    sentinel auth-pass main secret
                    sentinel down-after-milliseconds main 500
                    sentinel failover-timeout main 3000

                    """))
        while !self.sentinel.log.contains("+slave") { usleep(5000) }
    }

    func kill() {
        for server in [self.sentinel, self.replica, self.master] { server.kill() }
    }

    func client(master: String = "main", password: String = "guard") throws -> RedisClient {
        // Nobody listens at the first one.
        let sentinels = [ListenAddress.tcp(host: "127.0.0.1", port: try RedisServer.freePort()), self.sentinel.address]
        return .started(.sentinel(master: master, sentinels: sentinels)) {
            $0.login = RedisLogin(password: "secret", database: 2)
            $0.sentinelLogin = RedisLogin(password: password)
        }
    }
}

@Suite struct SentinelTests {
    @Test func aDeadMasterIsReplaced() async throws {
        let servers = try Replicated()
        defer { servers.kill() }
        let client = try servers.client()
        try await client.run("SET", "k", "1")
        #expect(try await client.run("WAIT", "1", "20000") == .integer(1))
        servers.master.kill()
        let error = try #require(await client.error("SET", "k", "2"))
        #expect(error.kind == .network)
        #expect(try await client.eventually("SET", "other", "2") == .text("OK"))
        #expect(try await client.run("GET", "k") == text("1"))
        // The old one comes back and believes that it is the master.
        try servers.master.restart()
        #expect(try await client.run("GET", "other") == text("2"))
        await client.close()
    }

    @Test func aMasterThatStepsDownIsLeft() async throws {
        let servers = try Replicated()
        defer { servers.kill() }
        let client = try servers.client()
        try await client.run("SET", "k", "1")
        let sentinel = RedisClient.started(.single(servers.sentinel.address)) {
            $0.login = RedisLogin(password: "guard")
        }
        let replica = RedisClient.started(.single(servers.replica.address)) {
            $0.login = RedisLogin(password: "secret", database: 2)
        }
        let start = ContinuousClock.now
        // It may not have asked the replica for its state yet.
        try await sentinel.eventually("SENTINEL", "FAILOVER", "main")
        // The old master takes writes for ten seconds more; the client goes over before that ends.
        while try await replica.run("GET", "k") != text("2") {
            try await client.eventually("SET", "k", "2")
        }
        // A machine that needs longer for all of it has not shown that.
        if ContinuousClock.now - start < .seconds(8) {
            #expect(!servers.sentinel.log.contains("+convert-to-slave"))
        }
        for client in [client, sentinel, replica] { await client.close() }
    }

    @Test func whatSentinelsDoNotKnowFailsCalls() async throws {
        let servers = try Replicated()
        defer { servers.kill() }
        let unknown = try servers.client(master: "other")
        #expect(await unknown.error("GET", "k")?.text == "redis: no sentinel knows a master `other`")
        let wrong = try servers.client(password: "wrong")
        #expect(await wrong.error("GET", "k")?.text.hasPrefix("WRONGPASS") == true)
        servers.sentinel.kill()
        let dead = try servers.client()
        #expect(await dead.error("GET", "k")?.text.hasSuffix("connect: connection refused") == true)
        try servers.sentinel.restart()
        try await dead.eventually("SET", "k", "1")
        for client in [unknown, wrong, dead] { await client.close() }
    }
}
