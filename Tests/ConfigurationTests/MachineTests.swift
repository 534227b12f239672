import Platform
import Testing

@testable import Application
@testable import Configuration

/// Defaults that derive from the machine's resources.
@Suite struct MachineTests {
    private func load(
        _ pool: String,
        memory: Int?,
        processors: Int = 2,
        environment: [String: String] = [:]
    ) throws -> LoadedSettings {
        let text = "version: '3'\nserver: {command: php}\ntcp:\n  servers: {main: {addr: ':7777'}}\n  pool: {\(pool)}\n"
        let sandbox = try Sandbox(["rr.yaml": text])
        let machine = MachineResources(
            processors: ProcessorBudget(count: processors),
            memoryLimit: memory.map { $0 << 20 }
        )
        return try ConfigurationLoader(environment: EnvironmentVariables(environment), machine: machine).load(
            path: sandbox.path("rr.yaml"))
    }

    struct Share {
        var memory: Int?
        var pool: String
        var megabytes: Int?
        var says = ""
    }

    @Test(
        "max_worker_memory by default",
        arguments: [
            Share(memory: nil, pool: "num_workers: 2", megabytes: nil),
            Share(memory: 255, pool: "num_workers: 2", megabytes: nil),
            Share(
                memory: 768, pool: "num_workers: 2", megabytes: 234,
                says: "default: (768 MB of the cgroup's memory limit - 64) / 3"
            ),
            Share(
                memory: 1024, pool: "", megabytes: 320,
                says: "default: (1024 MB of the cgroup's memory limit - 64) / 3"
            ),
            Share(
                memory: 1024, pool: "num_workers: 8", megabytes: 192,
                says: "default: 192, (1024 MB of the cgroup's memory limit - 64) / 9 would be less"
            ),
            Share(
                memory: 4096, pool: "num_workers: 3, dynamic_allocator: {}", megabytes: 288,
                says: "default: (4096 MB of the cgroup's memory limit - 64) / 14"
            ),
            Share(
                memory: 4096, pool: "num_workers: 3, supervisor: {ttl: 1h}", megabytes: 1008,
                says: "default: (4096 MB of the cgroup's memory limit - 64) / 4"
            ),
            Share(memory: 4096, pool: "num_workers: 3, debug: true", megabytes: nil),
        ]
    )
    func memory(each: Share) throws {
        let loaded = try self.load(each.pool, memory: each.memory)
        #expect(loaded.settings.tcp.pool.supervisor?.maxWorkerMemory == each.megabytes)
        #expect(loaded.origin("tcp.pool.supervisor.max_worker_memory")?.description ?? "" == each.says)
        #expect(loaded.warnings.isEmpty)
    }

    @Test("What the file says about memory holds, also that there is no limit", arguments: [0, 7])
    func ownMemory(megabytes: Int) throws {
        let loaded = try self.load("supervisor: {max_worker_memory: \(megabytes)}", memory: 1024)
        #expect(loaded.settings.tcp.pool.supervisor?.maxWorkerMemory == megabytes)
        #expect(loaded.origin("tcp.pool.supervisor.max_worker_memory")?.description.hasSuffix("rr.yaml:5") == true)
    }

    @Test("What is odd about a key that is looked at ahead is said once")
    func once() throws {
        let loaded = try self.load("num_workers: '', dynamic_allocator: {idle_timeout: 5}", memory: 1024)
        #expect(loaded.warnings("tcp.pool.num_workers").count == 1)
        #expect(loaded.warnings("tcp.pool.dynamic_allocator.idle_timeout").count == 1)
    }

    @Test func workersAreOneForEachProcessor() throws {
        let missing = try self.load("", memory: nil, processors: 7)
        #expect(missing.settings.tcp.pool.numWorkers == 7)
        #expect(missing.origin("tcp.pool.num_workers")?.description == "default: one for each CPU")
        let zero = try self.load("num_workers: 0", memory: nil, processors: 7)
        #expect(zero.settings.tcp.pool.numWorkers == 7)
        #expect(zero.origin("tcp.pool.num_workers")?.description == "\(zero.file):5: one for each CPU")
        #expect(zero.explanation().contains("one for each CPU"))
    }

    @Test(
        "Event loops",
        arguments: [
            (nil, 7, "default: one for each CPU"), ("", 7, "default: one for each CPU"),
            ("3", 3, "env RR_EVENT_LOOPS"), (" 256 ", 256, "env RR_EVENT_LOOPS"),
        ]
    )
    func eventLoops(text: String?, number: Int, origin: String) throws {
        let environment = text.map { ["RR_EVENT_LOOPS": $0] } ?? [:]
        let loaded = try self.load("", memory: nil, processors: 7, environment: environment)
        #expect(loaded.eventLoops.number == number)
        #expect(loaded.eventLoops.origin.description == origin)
    }

    @Test func aMachineOfManyProcessorsHasSoManyLoopsAtTheMost() throws {
        #expect(try self.load("", memory: nil, processors: 4096).eventLoops.number == 256)
    }

    @Test(arguments: ["abc", "0", "-1", "257", "1.5", "1e1", "99999999999999999999", "2 3"])
    func badEventLoops(text: String) throws {
        let fault = try #require(throws: ConfigurationError.self) {
            try self.load("", memory: nil, environment: ["RR_EVENT_LOOPS": text])
        }
        #expect(fault.file == "env RR_EVENT_LOOPS")
        #expect(fault.description.contains(text) && fault.description.contains("use 1...256"), "\(fault)")
    }
}
