import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import TestSupport
import Testing
import WorkerPool

@testable import Edge
@testable import TCPServer

@Suite struct ConnectionTableTests {
    @Test func aConnectionIsFoundUntilItHasEnded() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        let connection = try #require(bench.home.connections.all.first)
        #expect(bench.home.connections.find(connection.id) === connection)
        client.disconnect()
        #expect(bench.home.connections.find(connection.id) === connection, "its CLOSE is not handled yet")
        bench.worker.answer("CLOSE")
        #expect(bench.home.connections.find(connection.id) == nil)
        #expect(bench.home.connections.isEmpty)
        // The next one has another uuid, and does not answer to that one.
        _ = try bench.connected()
        #expect(bench.home.connections.find(connection.id) == nil)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func isWhatADictionaryWouldBe(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bench = HandlerBench()
        var table = ConnectionTable()
        var model: [ConnectionID: ConnectionHandler] = [:]
        var gone: [ConnectionHandler] = []
        for round in 0..<4000 {
            // It grows to hundreds, and shrinks again.
            let grows = Int.random(in: 0..<10, using: &random) < (round < 2000 ? 7 : 3)
            if grows {
                let connection = bench.handler()
                table.insert(connection)
                model[connection.id] = connection
            } else if let connection = model.values.randomElement(using: &random) {
                #expect(table.remove(connection) == true)
                model[connection.id] = nil
                gone.append(connection)
            }
            #expect(table.count == model.count)
            if let connection = model.values.randomElement(using: &random) {
                #expect(table.find(connection.id) === connection)
            }
            if let connection = gone.randomElement(using: &random) {
                #expect(table.find(connection.id) == nil)
                #expect(table.remove(connection) == false)
            }
        }
        #expect(Set(table.all.map(\.id)) == Set(model.keys))
    }
}

@Suite struct ConnectionRegistryTests {
    @Test func theUUIDLeadsToTheLoop() throws {
        let bench = HandlerBench()
        _ = try bench.connected()
        let id = try #require(bench.home.connections.all.first?.id)
        let registry = ConnectionRegistry(homes: [bench.home])
        let found = Mutex<[ConnectionID?]>([])
        let note: @Sendable (ConnectionHandler?) -> Void = { connection in
            found.withLock { $0.append(connection?.id) }
        }
        registry.find(id, note)
        // Of another server, with more loops.
        registry.find(ConnectionID(random: (1, 2), loopIndex: 7), note)
        registry.find(ConnectionID(random: (1, 2), loopIndex: 0), note)
        bench.loop.run()
        #expect(found.withLock { $0 } == [id, nil, nil])
    }

    @Test func anyThreadMayAsk() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let bench = HandlerBench()
        let homes = group.makeIterator().enumerated().map {
            LoopConnections(
                eventLoop: $1,
                loopIndex: $0,
                limit: ConnectionLimit(),
                pendingAnswers: bench.pool.pendingAnswers
            )
        }
        let registry = ConnectionRegistry(homes: homes)
        for home in homes {
            let environment = bench.environment
            let id = try await home.eventLoop.submit {
                let connection = ConnectionHandler(environment, home: home, Entrance())
                home.add(connection)
                return connection.id
            }.get()
            #expect(id.loopIndex == home.loopIndex)
            let isOnItsLoop = await withCheckedContinuation { continuation in
                registry.find(id) { connection in
                    continuation.resume(returning: connection?.id == id && home.eventLoop.inEventLoop)
                }
            }
            #expect(isOnItsLoop)
        }
        try await group.shutdownGracefully()
    }
}
