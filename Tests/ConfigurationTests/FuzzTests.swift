import Configuration
import TestSupport
import Testing

@testable import Application

/// Mutated files: any outcome is fine, as long as there is one; what loads must load again from its own rendering.
@Suite struct FuzzTests {
    /// Fragments that are significant to the parser.
    private static let special =
        Array("{}[]:,&*!|>'\"%@`#-?<=\n\t \\$~.09smh".utf8) + [0x00, 0xFF, 0xC3]

    private static let seed = """
        version: '3'
        envfile: ${E}
        server: &s {command: php "a b" $C, env: [{A: 1}, {b: '${X:-y}'}], relay: pipes}
        tcp:
          read_buf_size: 1
          servers: {a: {addr: ':1', delimiter: "\\r\\n"}, b: {addr: '[::1]:2', framing: split, max_packet_size: 5MB}}
          pool.debug: no
          pool: {num_workers: 2, allocate_timeout: 1h2m3.5s, max_jobs: 1_0, supervisor: {ttl: 5s}}
        logs: {level: info, output: 'a,b', channels: {tcp: {level: warn}, rpc.level: error}}
        status: {address: ':3', check_timeout: 60}
        endure: {grace_period: 30s}
        http: {x: [*s]}
        """

    @Test func mutationsEnd() throws {
        let sandbox = try Sandbox()
        let loader = ConfigurationLoader(
            environment: ["C": "c", "RR_TCP_POOL_MAX_JOBS": "5", "RR_LOGS_LEVEL": "error"],
            processorCount: 2
        )
        var random = SeededGenerator(seed: 7)
        var loads = 0
        for round in 0..<1500 {
            var bytes = Array(Self.seed.utf8)
            for _ in 0...Int.random(in: 0..<3, using: &random) { random.mutate(&bytes, special: Self.special) }
            try sandbox.write("rr.yaml", bytes)
            guard
                let loaded = try? loader.load(path: sandbox.path("rr.yaml"), overrides: ["tcp.pool.max_jobs=\(round)"])
            else {
                continue
            }
            loads += 1
            try sandbox.write("again.yaml", loaded.yaml(showsSecrets: true))
            let again = try ConfigurationLoader(environment: [:], processorCount: 3).load(
                path: sandbox.path("again.yaml"))
            #expect(again.settings == loaded.settings)
        }
        #expect(loads > 50)
    }

    @Test func mutatedArgumentsEnd() throws {
        let sandbox = try Sandbox(["rr.yaml": minimal])
        var random = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            var bytes = Array("tcp.servers.main.addr='tcp://$A${B:-[::1]}:80'".utf8)
            for _ in 0..<4 { random.mutate(&bytes, special: Self.special) }
            _ = try? sandbox.load(overrides: [String(decoding: bytes, as: UTF8.self)])
        }
    }
}
