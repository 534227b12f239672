import Addresses
import Configuration
import Testing

@testable import Application

@Suite struct DefaultsTests {
    @Test func aMinimalFileGivesTheDefaults() throws {
        let loaded = try load(minimal, processorCount: 3)
        let expected = Settings(
            server: WorkerSettings(command: ["php", "worker.php"]),
            tcp: TCPSettings(
                servers: [ListenerSettings(name: "main", address: .tcp(host: "127.0.0.1", port: 7777))],
                pool: PoolSettings(numWorkers: 3)
            )
        )
        #expect(loaded.settings == expected)
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.environmentAdditions.isEmpty)
    }

    @Test func theDefaultsAreThoseOfTheReference() throws {
        let settings = try load(minimal).settings
        let server = try #require(settings.tcp.servers.first)
        #expect(server.delimiter == [13, 10])
        #expect(server.readBufferSize == 1_048_576)
        #expect(server.maxPacketSize == 67_108_864)
        #expect(server.framing == .merge)
        #expect(settings.tcp.pool.allocateTimeout == .seconds(60))
        #expect(settings.tcp.maxPending == 256)
        #expect(settings.tcp.pool.maxJobs == 0)
        #expect(settings.server.relay == .pipes)
        #expect(settings.logs.all.mode == .development)
        #expect(settings.logs.all.level == .debug)
        #expect(settings.endure.gracePeriod == .seconds(30))
        #expect(settings.rpc == nil)
        #expect(settings.status == nil)
        #expect(settings.metrics == nil)
    }

    @Test func sectionsThatAreThereHaveDefaultsOfTheirOwn() throws {
        let text = minimal + "rpc: {}\nmetrics: {}\nstatus: {address: ':2114'}\n"
        let settings = try load(text).settings
        #expect(settings.rpc == RPCSettings(listen: "tcp://127.0.0.1:6001"))
        #expect(settings.metrics == MetricsSettings(address: .tcp(host: "127.0.0.1", port: 2112)))
        #expect(settings.status == StatusSettings(address: .tcp(host: "", port: 2114)))
        #expect(settings.status?.unavailableStatusCode == 503)
        #expect(settings.status?.checkTimeout == .seconds(60))
    }

    @Test func emptySectionsOfThePoolHaveDefaults() throws {
        let (pool, _) = try loadPool("supervisor: {}, dynamic_allocator: {}")
        #expect(pool.supervisor == SupervisorSettings())
        #expect(pool.dynamicAllocator == DynamicAllocatorSettings())
        #expect(pool.supervisor?.watchTick == .seconds(5))
        #expect(
            pool.dynamicAllocator == DynamicAllocatorSettings(maxWorkers: 10, spawnRate: 5, idleTimeout: .seconds(60)))
    }

    @Test func aNullSectionIsAbsent() throws {
        let loaded = try load(minimal + "rpc:\nstatus: ~\n")
        #expect(loaded.settings.rpc == nil)
        #expect(loaded.settings.status == nil)
        #expect(loaded.warnings("rpc").count == 1)
    }

    @Test func keysMatchWithoutRegardToCase() throws {
        let text = """
            VERSION: '3'
            Server: {Command: php}
            TCP:
              Servers: {SMTP-In: {ADDR: ':25', Read_Buf_Size: 2}}
              pool: {Num_Workers: 7}
            """
        let settings = try load(text).settings
        #expect(settings.tcp.servers.map(\.name) == ["smtp-in"])
        #expect(settings.tcp.servers.first?.readBufferSize == 2 << 20)
        #expect(settings.tcp.pool.numWorkers == 7)
    }

    @Test func serversAreSortedByName() throws {
        let text = """
            version: '3'
            server: {command: php}
            tcp: {servers: {c: {addr: ':1'}, A: {addr: ':2'}, b: {addr: ':3'}}}
            """
        #expect(try load(text).settings.tcp.servers.map(\.name) == ["a", "b", "c"])
    }

    @Test func aServerInheritsTheSizesOfTheSection() throws {
        let text = """
            version: '3'
            server: {command: php}
            tcp:
              read_buf_size: 3
              max_packet_size: 5
              servers: {a: {addr: ':1'}, b: {addr: ':2', read_buf_size: 1, max_packet_size: 512KB}}
            """
        let servers = try load(text).settings.tcp.servers
        #expect(servers.map(\.readBufferSize) == [3 << 20, 1 << 20])
        #expect(servers.map(\.maxPacketSize) == [5 << 20, 512 << 10])
    }
}
