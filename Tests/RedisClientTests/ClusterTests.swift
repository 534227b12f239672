import Addresses
import Glibc
import NIOCore
import RedisClient
import TestSupport
import Testing

/// Three masters, and a replica of the first if it is asked for.
private struct Cluster {
    let servers: [RedisServer]
    /// Of each server, for itself.
    let clients: [RedisClient]
    let ids: [String]

    init(withReplica: Bool = false) async throws {
        var servers: [RedisServer] = []
        var clients: [RedisClient] = []
        var ids: [String] = []
        for _ in 0..<(withReplica ? 4 : 3) {
            let bus = try RedisServer.freePort()
            let server = try RedisServer([
                "--cluster-enabled", "yes", "--cluster-port", "\(bus)", "--cluster-node-timeout", "1000",
                "--cluster-config-file", "nodes.conf", "--cluster-require-full-coverage", "no",
            ])
            let client = RedisClient.started(.single(server.address))
            if let first = clients.first {
                try await first.run("CLUSTER", "MEET", "127.0.0.1", "\(server.port)", "\(bus)")
            }
            servers.append(server)
            clients.append(client)
            ids.append(try await client.run("CLUSTER", "MYID").string ?? "")
        }
        for (client, range) in zip(clients, [(0, 5460), (5461, 10922), (10923, 16383)]) {
            try await client.run("CLUSTER", "ADDSLOTSRANGE", "\(range.0)", "\(range.1)")
        }
        self.servers = servers
        self.clients = clients
        self.ids = ids
        try await self.wait { $0.contains("cluster_state:ok") && $0.contains("cluster_known_nodes:\(servers.count)") }
        if withReplica {
            try await clients[3].eventually("CLUSTER", "REPLICATE", ids[0])
            while !servers[3].log.contains("sync: Finished with success") {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    /// Waits until every server says so of the cluster.
    private func wait(_ isTrue: (String) -> Bool) async throws {
        for client in self.clients {
            while !isTrue(try await client.run("CLUSTER", "INFO").string ?? "") {
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    func kill() {
        for server in self.servers { server.kill() }
    }

    func client() -> RedisClient {
        .started(.cluster(self.servers.prefix(2).map(\.address)))
    }

    func close(_ client: RedisClient) async {
        for client in self.clients + [client] { await client.close() }
    }
}

@Suite struct ClusterTests {
    @Test func everyKeyGoesToItsMaster() async throws {
        let cluster = try await Cluster()
        defer { cluster.kill() }
        let client = cluster.client()
        let keys = (0..<300).map { "key\($0)" }
        let sets = keys.map { key in
            RedisCommand(["SET", .text(key), .text(key)], slot: HashSlot(of: ByteBuffer(string: key)))
        }
        #expect(await client.results(sets).allSatisfy { $0 == .success(.text("OK")) })
        var total: Int64 = 0
        for server in cluster.clients {
            let count = try #require(await server.run("DBSIZE").number)
            #expect(count > 50)
            total += count
        }
        #expect(total == 300)
        for key in keys { #expect(try await client.run("GET", key) == text(key)) }
        let flushed = await withCheckedContinuation { continuation in
            client.sendToMasters(RedisCommand(["FLUSHDB"])) { continuation.resume(returning: $0) }
        }
        #expect(flushed == Array(repeating: .success(.text("OK")), count: 3))
        for server in cluster.clients { #expect(try await server.run("DBSIZE") == .integer(0)) }
        await cluster.close(client)
    }

    @Test func aSlotThatMovesIsFollowed() async throws {
        let cluster = try await Cluster()
        defer { cluster.kill() }
        let client = cluster.client()
        // Slot 12182, of the third.
        try await client.run("SET", "foo", "1")
        let (source, target) = (cluster.clients[2], cluster.clients[0])
        try await target.run("CLUSTER", "SETSLOT", "12182", "IMPORTING", cluster.ids[2])
        try await source.run("CLUSTER", "SETSLOT", "12182", "MIGRATING", cluster.ids[0])
        // Keys that are still there, and those that are not.
        #expect(try await client.run("GET", "foo") == text("1"))
        #expect(try await client.run("GET", "{foo}2") == .null)
        try await client.run("SET", "{foo}3", "3")
        #expect(try await client.run("GET", "{foo}3") == text("3"))
        #expect(await client.error("MGET", "foo", "{foo}3")?.text.hasPrefix("TRYAGAIN") == true)
        try await source.run("MIGRATE", "127.0.0.1", "\(cluster.servers[0].port)", "foo", "0", "5000")
        #expect(try await client.run("GET", "foo") == text("1"))
        #expect(try await client.run("MGET", "foo", "{foo}3") == .array([text("1"), text("3")]))
        try await target.run("CLUSTER", "SETSLOT", "12182", "NODE", cluster.ids[0])
        try await source.run("CLUSTER", "SETSLOT", "12182", "NODE", cluster.ids[0])
        try await client.run("SET", "foo", "4")
        #expect(try await target.run("GET", "foo") == text("4"))
        await cluster.close(client)
    }

    @Test func aDeadMasterFailsItsSlotsOnlyUntilItsReplicaTakesOver() async throws {
        let cluster = try await Cluster(withReplica: true)
        defer { cluster.kill() }
        let client = cluster.client()
        // Slots 3443 and 12182.
        try await client.run("SET", "user1000", "1")
        try await client.run("SET", "foo", "1")
        cluster.servers[0].kill()
        let error = try #require(await client.error("SET", "user1000", "2"))
        #expect(error.kind == .network)
        #expect(try await client.run("GET", "foo") == text("1"))
        try await client.eventually("SET", "user1000", "3")
        #expect(try await cluster.clients[3].eventually("GET", "user1000") == text("3"))
        await cluster.close(client)
    }

    @Test func aServerWithoutClusterIsRefused() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let client = RedisClient.started(.cluster([server.address]))
        #expect(await client.error("GET", "k")?.text == "ERR This instance has cluster support disabled")
        await client.close()
    }
}
