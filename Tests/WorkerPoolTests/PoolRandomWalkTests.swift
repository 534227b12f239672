import NIOCore
import TestSupport
import Testing

@testable import WorkerPool

/// Long random sequences of events, more than a million in all; a failure names its seed, which repeats it.
@Suite struct PoolRandomWalkTests {
    /// What a worker may have at once.
    private enum Pipeline {
        case none, fixed, auto

        func pipeline(using random: inout SeededGenerator) -> PoolConfiguration.Pipeline {
            switch self {
            case .none: .fixed(1)
            case .fixed: .fixed(.random(in: 2...8, using: &random))
            case .auto: .auto(wait: .microseconds(500))
            }
        }

        /// Where the depth depends on what workers take, that is 100 µs and more instead of seconds.
        var second: TimeAmount {
            self == .auto ? .microseconds(100) : .seconds(1)
        }
    }

    private func configuration(_ pipeline: Pipeline, using random: inout SeededGenerator) -> PoolConfiguration {
        let second = pipeline.second.nanoseconds
        var configuration = PoolConfiguration(
            numWorkers: .random(in: 1...5, using: &random),
            maxJobs: [0, 0, 1, 3, 20].randomElement(using: &random) ?? 0,
            maxQueueSize: [0, 0, 1, 4, 10].randomElement(using: &random) ?? 0,
            allocateTimeout: .nanoseconds(second / 2 * ([1, 6, 120].randomElement(using: &random) ?? 1))
        )
        configuration.maxAttempts = .random(in: 1...4, using: &random)
        configuration.pipeline = pipeline.pipeline(using: &random)
        configuration.backoff.shortest = .nanoseconds(second / 10)
        configuration.backoff.longest = .nanoseconds(second * 5)
        configuration.backoff.healthyAfter = .nanoseconds(second * 5)
        return configuration
    }

    private func walk(
        seed: UInt64,
        walks: Int,
        steps: Int,
        pipeline: Pipeline = .none,
        isSupervised: Bool,
        isReconfigured: Bool = false,
        isCutOff: Bool = false,
        isSticky: Bool = false
    ) throws {
        var random = SeededGenerator(seed: seed)
        var pipelined = 0
        for number in 0..<walks {
            var configuration = self.configuration(pipeline, using: &random)
            if isSupervised {
                let second = pipeline.second
                configuration.supervisor.ttl = Bool.random(using: &random) ? second * 20 : nil
                configuration.supervisor.idleTTL = Bool.random(using: &random) ? second * 3 : nil
                configuration.supervisor.execTTL = Bool.random(using: &random) ? second * 4 : nil
                configuration.supervisor.maxWorkerMemory = Bool.random(using: &random) ? 1000 : nil
                if Bool.random(using: &random) {
                    configuration.allocator = .init(maxWorkers: 3, spawnRate: 2, idleTimeout: second * 2)
                }
            }
            var walk = PoolWalk(
                configuration,
                loops: .random(in: 1...3, using: &random),
                isSupervised: isSupervised,
                isReconfigured: isReconfigured,
                isCutOff: isCutOff,
                isSticky: isSticky,
                second: pipeline.second,
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
            pipelined += walk.model.pipelined
        }
        #expect((pipelined > walks) == (pipeline != .none || isReconfigured), "\(pipelined) were behind others")
    }

    @Test(arguments: [UInt64(1), 2, 3, 6_512_535_345_388_794_543, .random(in: 1000...(.max))])
    func requestsAndWorkers(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 18, steps: 3000, isSupervised: false)
    }

    @Test(arguments: [UInt64(1), 2, 3, 9_755_798_483_194_802_603, .random(in: 1000...(.max))])
    func supervisedAndReset(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 18, steps: 3000, isSupervised: true)
    }

    @Test(arguments: [UInt64(1), 2, 3, 9_755_798_483_194_802_603, .random(in: 1000...(.max))])
    func supervisedResetAndReconfigured(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 18, steps: 3000, isSupervised: true, isReconfigured: true)
    }

    @Test(arguments: [UInt64(1), 2, .random(in: 1000...(.max))])
    func sticky(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 8, steps: 3000, isSupervised: false, isSticky: true)
        try self.walk(seed: seed, walks: 8, steps: 3000, isSupervised: true, isReconfigured: true, isSticky: true)
        try self.walk(seed: seed, walks: 8, steps: 3000, pipeline: .fixed, isSupervised: false, isSticky: true)
        try self.walk(
            seed: seed, walks: 40, steps: 500, pipeline: .fixed, isSupervised: true, isCutOff: true, isSticky: true)
    }

    @Test(arguments: [UInt64(1), 2, 3, 9_755_798_483_194_802_603, .random(in: 1000...(.max))])
    func cutOff(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 100, steps: 500, isSupervised: true, isCutOff: true)
    }

    @Test(arguments: [UInt64(1), 2, 3, 9_755_798_483_194_802_603, .random(in: 1000...(.max))])
    func pipelined(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 8, steps: 3000, pipeline: .fixed, isSupervised: false)
        try self.walk(seed: seed, walks: 8, steps: 3000, pipeline: .fixed, isSupervised: true, isReconfigured: true)
        try self.walk(seed: seed, walks: 40, steps: 500, pipeline: .fixed, isSupervised: true, isCutOff: true)
    }

    @Test(arguments: [UInt64(1), 2, 3, 9_755_798_483_194_802_603, .random(in: 1000...(.max))])
    func pipelinedByTheTimesOfWorkers(seed: UInt64) throws {
        try self.walk(seed: seed, walks: 8, steps: 3000, pipeline: .auto, isSupervised: false)
        try self.walk(seed: seed, walks: 8, steps: 3000, pipeline: .auto, isSupervised: true, isReconfigured: true)
        try self.walk(seed: seed, walks: 40, steps: 500, pipeline: .auto, isSupervised: true, isCutOff: true)
    }
}
