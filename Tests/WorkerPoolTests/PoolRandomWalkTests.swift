import NIOCore
import TestSupport
import Testing

@testable import WorkerPool

/// Long random sequences of events, more than a million in all; a failure names its seed, which repeats it.
@Suite struct PoolRandomWalkTests {
    private func configuration(using random: inout SeededGenerator) -> PoolConfiguration {
        var configuration = PoolConfiguration(
            numWorkers: .random(in: 1...5, using: &random),
            maxJobs: [0, 0, 1, 3, 20].randomElement(using: &random) ?? 0,
            maxQueueSize: [0, 0, 1, 4, 10].randomElement(using: &random) ?? 0,
            allocateTimeout: .milliseconds([500, 3000, 60000].randomElement(using: &random) ?? 500)
        )
        configuration.maxAttempts = .random(in: 1...4, using: &random)
        return configuration
    }

    private func walk(
        seed: UInt64,
        walks: Int,
        steps: Int,
        isSupervised: Bool,
        isReconfigured: Bool = false,
        isCutOff: Bool = false
    ) throws {
        var random = SeededGenerator(seed: seed)
        for number in 0..<walks {
            var configuration = self.configuration(using: &random)
            if isSupervised {
                configuration.supervisor.ttl = Bool.random(using: &random) ? .seconds(20) : nil
                configuration.supervisor.idleTTL = Bool.random(using: &random) ? .seconds(3) : nil
                configuration.supervisor.execTTL = Bool.random(using: &random) ? .seconds(4) : nil
                configuration.supervisor.maxWorkerMemory = Bool.random(using: &random) ? 1000 : nil
                if Bool.random(using: &random) {
                    configuration.allocator = .init(maxWorkers: 3, spawnRate: 2, idleTimeout: .seconds(2))
                }
            }
            var walk = PoolWalk(
                configuration,
                loops: .random(in: 1...3, using: &random),
                isSupervised: isSupervised,
                isReconfigured: isReconfigured,
                isCutOff: isCutOff,
                random: SeededGenerator(seed: random.next())
            )
            do {
                try walk.run(steps: steps)
                #expect(
                    isCutOff || walk.startFailed || walk.model.finished > steps / 30, "seed \(seed): nothing happened")
            } catch {
                Issue.record("seed \(seed), walk \(number), request \(walk.nextRequest): \(error); \(configuration)")
                return
            }
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 6_512_535_345_388_794_543, .random(in: 1000...(.max))])
    func requestsAndWorkers(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 35, steps: 3000, isSupervised: false)
    }

    @Test(arguments: [UInt64(1), 2, 3, .random(in: 1000...(.max))])
    func supervisedAndReset(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 25, steps: 3000, isSupervised: true)
    }

    @Test(arguments: [UInt64(1), 2, 3, .random(in: 1000...(.max))])
    func supervisedResetAndReconfigured(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 25, steps: 3000, isSupervised: true, isReconfigured: true)
    }

    @Test(arguments: [UInt64(1), 2, 3, .random(in: 1000...(.max))])
    func cutOff(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 150, steps: 500, isSupervised: true, isCutOff: true)
    }
}
