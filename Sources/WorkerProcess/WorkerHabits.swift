import Logging
import Synchronization

/// The known habits of workers of one command: whether they answer `CLOSE` events, and whether they reply to probes.
///
/// Read on every event loop, written seldom.
final class WorkerHabits: Sendable {
    private enum Probing: UInt8, AtomicRepresentable {
        case unknown
        /// The same, and a worker is being probed to find out.
        case trying
        /// A worker has replied to a probe.
        case works
        /// Workers have passed over probes, and none has ever replied.
        case fails
    }

    /// The consecutive answers to `CLOSE` events that refute the assumption that workers do not answer them.
    private static let answersToForget = 64
    /// The missing replies after which workers are assumed not to reply. A single one may be an accident.
    private static let missingRepliesToBelieve = 3

    private let probing = Atomic(Probing.unknown)
    private let missingReplies = Atomic(0)
    /// Answers to `CLOSE` until that assumption ends; 0 if it is not made.
    private let answersMissing = Atomic(0)
    private let logger: Logger

    /// Whether the pool may give a worker several requests; workers are then probed to find those that can take them.
    let isPipelined: Bool

    init(isPipelined: Bool, logger: Logger) {
        self.isPipelined = isPipelined
        self.logger = logger
    }

    /// Whether workers may be probed.
    var mayProbe: Bool {
        self.probing.load(ordering: .relaxed) != .fails
    }

    /// Whether workers are known to reply to probes.
    var knowsProbes: Bool {
        self.probing.load(ordering: .relaxed) == .works
    }

    /// Whether a probe follows each `CLOSE` at once; otherwise one is written after a while without an answer.
    var probesCloses: Bool {
        self.answersMissing.load(ordering: .relaxed) > 0
    }

    /// Whether a worker may be probed to find out whether it replies: one at a time, for as long as none is known to.
    func mayTry() -> Bool {
        switch self.probing.load(ordering: .relaxed) {
        case .unknown: self.probing.compareExchange(expected: .unknown, desired: .trying, ordering: .relaxed).exchanged
        case .works: true
        case .trying, .fails: false
        }
    }

    func repliedToProbe() {
        if self.probing.load(ordering: .relaxed) != .works {
            self.probing.store(.works, ordering: .relaxed)
        }
    }

    /// A worker has read on past a probe without a reply: it does not know probes.
    func ignoredProbe() {
        guard self.probing.load(ordering: .relaxed) != .works else {
            return
        }
        if self.probing.exchange(.fails, ordering: .relaxed) != .fails {
            self.logger.notice(
                """
                a worker does not answer control frames while it serves: unanswered events are not noticed, \
                and a CLOSE must be answered
                """
            )
        }
    }

    /// A worker has ended, written something else, or been given up, where a reply was due.
    func missedReply() {
        let (_, count) = self.missingReplies.wrappingAdd(1, ordering: .relaxed)
        if count >= Self.missingRepliesToBelieve {
            self.ignoredProbe()
        } else {
            _ = self.probing.compareExchange(expected: .trying, desired: .unknown, ordering: .relaxed)
        }
    }

    /// The worker that was probed to find out has ended, which tells nothing of others.
    func trialEnded() {
        _ = self.probing.compareExchange(expected: .trying, desired: .unknown, ordering: .relaxed)
    }

    func leftCloseUnanswered() {
        // Usually the value is the same, and all loops read it: avoid the write.
        if self.answersMissing.load(ordering: .relaxed) == Self.answersToForget {
            return
        }
        if self.answersMissing.exchange(Self.answersToForget, ordering: .relaxed) == 0 {
            self.logger.debug("workers do not answer CLOSE, and are asked behind it whether they are free")
        }
    }

    func answeredClose() {
        // Two loops at once may lose a count, but the exact number does not matter.
        let missing = self.answersMissing.load(ordering: .relaxed)
        if missing > 0 {
            self.answersMissing.store(missing - 1, ordering: .relaxed)
        }
    }
}
