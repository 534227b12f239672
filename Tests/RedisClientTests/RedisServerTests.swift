import Addresses
import Glibc
import NIOCore
import RedisClient
import TestSupport
import Testing

/// One real server.
@Suite struct RedisServerTests {
    @Test func commandsArePipelinedAndAnsweredInOrder() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address))
        let commands = (0..<5000).map { RedisCommand(["SET", .text("key\($0)"), .number($0)]) }
        #expect(try await client.results(commands).map { try $0.get() } == commands.map { _ in .text("OK") })
        let gets = (0..<5000).map { RedisCommand(["GET", .text("key\($0)")]) }
        #expect(try await client.results(gets).map { try $0.get() } == (0..<5000).map { text("\($0)") })
        await client.close()
        #expect(await client.error("GET", "a") == .closed)
    }

    @Test func bytesAreKeptAsTheyAre() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address))
        let bytes = ByteBuffer(bytes: (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let results = await client.results([
            RedisCommand(["SET", "k", .bytes(bytes)]), RedisCommand(["GET", "k"]), RedisCommand(["GET", "none"]),
        ])
        #expect(try results.map { try $0.get() } == [.text("OK"), .bulk(bytes), .null])
        await client.close()
    }

    @Test func oneErrorIsItsOwnCommandsOnly() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address))
        let results = await client.results([
            RedisCommand(["SET", "k", "x"]), RedisCommand(["INCR", "k"]), RedisCommand(["GET", "k"]),
        ])
        #expect(results[1] == .failure(RedisError(.reply, "ERR value is not an integer or out of range")))
        #expect(results[2] == .success(text("x")))
        await client.close()
    }

    @Test func passwordUserAndDatabase() async throws {
        let server = try RedisServer(["--requirepass", "secret"])
        defer { server.kill() }
        func client(_ login: RedisLogin) -> RedisClient {
            .started(.single(server.address)) { $0.login = login }
        }
        let first = client(RedisLogin(password: "secret"))
        try await first.run("SET", "k", "0")
        try await first.run("ACL", "SETUSER", "bob", "on", ">hunter2", "~*", "+@all")
        let second = client(RedisLogin(username: "bob", password: "hunter2", database: 3))
        #expect(try await second.run("GET", "k") == .null)
        try await second.run("SET", "k", "3")
        #expect(try await first.run("GET", "k") == text("0"))
        let wrong = client(RedisLogin(password: "wrong"))
        let none = client(RedisLogin())
        let outside = client(RedisLogin(password: "secret", database: 99))
        #expect(await wrong.error("GET", "k")?.text == "WRONGPASS invalid username-password pair or user is disabled.")
        #expect(await none.error("GET", "k")?.text.hasPrefix("NOAUTH") == true)
        #expect(await outside.error("GET", "k")?.text == "ERR DB index is out of range")
        for client in [first, second, wrong, none, outside] { await client.close() }
    }

    @Test func aDeadServerFailsCallsUntilItIsBack() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address))
        try await client.run("SET", "k", "v")
        server.kill()
        let refused = "dial tcp 127.0.0.1:\(server.port): connect: connection refused"
        #expect(await client.error("GET", "k")?.text == refused)
        // At once by now.
        #expect(await client.error("GET", "k") == RedisError(.network, refused))
        try server.restart()
        #expect(try await client.eventually("GET", "k") == .null)
        await client.close()
    }

    @Test func aServerThatWasNeverThereFailsCalls() async throws {
        let (descriptor, port) = try RedisServer.refusingSocket()
        defer { close(descriptor) }
        let client = RedisClient.started(.single(.tcp(host: "localhost", port: port)))
        #expect(
            await client.error("GET", "k")?.text == "dial tcp localhost:\(port): connect: connection refused")
        let unix = RedisClient.started(.single(.unix(path: "/nonexistent/redis.sock")))
        #expect(await unix.error("GET", "k")?.text.hasSuffix("no such file or directory") == true)
        let nameless = RedisClient.started(.single(.tcp(host: "redis.invalid", port: 6379)))
        #expect(
            await nameless.error("GET", "k")?.text == "dial tcp redis.invalid:6379: lookup redis.invalid: no such host")
        for client in [client, unix, nameless] { await client.close() }
    }

    @Test func aSlowServerFailsCallsByTheirTimeAndIsUsedAgain() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address)) {
            $0.readTimeout = .milliseconds(300)
            $0.dialTimeout = .milliseconds(600)
        }
        try await client.run("SET", "k", "v")
        server.send(signal: SIGSTOP)
        // A repeatable command is tried again; the system takes the connection, and nobody answers the greeting.
        let error = await client.error("GET", "k")
        #expect(error?.text.hasSuffix("127.0.0.1:\(server.port): i/o timeout") == true, "\(error?.text ?? "none")")
        #expect(error?.kind == .network)
        server.send(signal: SIGCONT)
        #expect(try await client.eventually("GET", "k") == text("v"))
        await client.close()
    }

    @Test func whatMayHaveRunIsNotSentAgainUnlessItIsRepeatable() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address)) { $0.readTimeout = .milliseconds(300) }
        try await client.run("SET", "k", "0")
        server.send(signal: SIGSTOP)
        let results = await client.results([RedisCommand(["INCR", "k"], isRepeatable: false)])
        #expect(results == [.failure(RedisError(.network, "read tcp 127.0.0.1:\(server.port): i/o timeout"))])
        // It goes on with what it was sent.
        server.send(signal: SIGCONT)
        #expect(try await client.eventually("GET", "k") == text("1"))
        await client.close()
    }

    @Test func tooManyCallsAreRefusedAndTheOthersAreNot() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address)) {
            $0.mostCommands = 10
            $0.mostBytes = 100_000
        }
        let gets = Array(repeating: RedisCommand(["GET", "k"]), count: 11)
        #expect(await client.results(gets) == Array(repeating: .failure(.overload), count: 11))
        #expect(await client.results(Array(gets.dropLast())).allSatisfy { $0 == .success(.null) })
        let large = RedisCommand(["SET", "k", .text(String(repeating: "a", count: 100_000))])
        #expect(await client.results([large]) == [.failure(.overload)])
        #expect(client.refused == 2)
        #expect(try await client.run("GET", "k") == .null)
        await client.close()
    }

    @Test func closingWaitsForReplies() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address))
        try await client.run("SET", "k", "1")
        let commands = (0..<1000).map { _ in RedisCommand(["INCR", "k"], isRepeatable: false) }
        let results = await withCheckedContinuation { continuation in
            client.send(commands) { continuation.resume(returning: $0) }
            Task { await client.close() }
        }
        #expect(results.allSatisfy { (try? $0.get()) != nil })
        await client.close()
    }

    @Test func everyMasterIsTheOneServer() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.single(server.address))
        try await client.run("SET", "k", "1")
        let results = await withCheckedContinuation { continuation in
            client.sendToMasters(RedisCommand(["FLUSHDB"])) { continuation.resume(returning: $0) }
        }
        #expect(results == [.success(.text("OK"))])
        #expect(try await client.run("GET", "k") == .null)
        await client.close()
    }
}
