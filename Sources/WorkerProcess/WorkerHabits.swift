import Logging
import Synchronization

/// What has been learnt about the workers of a pool: whether they answer `CLOSE` events, and whether they answer probes.
///
/// Read on every event loop, written seldom.
final class WorkerHabits: Sendable {
    private enum Probing: UInt8, AtomicRepresentable {
        case unknown
        /// A worker has replied to a probe.
        case works
        /// A worker has answered its request and not replied to the probe behind it.
        case fails
    }

    /// So many answered `CLOSE` events in a row end the belief that workers do not answer them.
    private static let answersToForget = 64

    private let probing = Atomic(Probing.unknown)
    /// Answers to `CLOSE` that are missing to the end of that belief; 0 when it is not held.
    private let answersMissing = Atomic(0)
    private let logger: Logger

    init(logger: Logger) {
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

    /// Whether a probe is to follow every `CLOSE` at once, instead of after a wait that its worker is busy for.
    var probesCloses: Bool {
        self.answersMissing.load(ordering: .relaxed) > 0
    }

    /// A worker has replied to a probe.
    func repliedToProbe() {
        if self.probing.load(ordering: .relaxed) != .works {
            self.probing.store(.works, ordering: .relaxed)
        }
    }

    /// A worker has done something else instead of replying.
    func ignoredProbe() {
        let (isNews, _) = self.probing.compareExchange(expected: .unknown, desired: .fails, ordering: .relaxed)
        if isNews {
            self.logger.notice(
                """
                a worker does not answer control frames while it serves: unanswered events are not noticed, \
                and a CLOSE must be answered
                """
            )
        }
    }

    func leftCloseUnanswered() {
        if self.answersMissing.exchange(Self.answersToForget, ordering: .relaxed) == 0 {
            self.logger.debug("workers do not answer CLOSE, and are asked behind it whether they are free")
        }
    }

    func answeredClose() {
        // Two loops at once may forget one of their counts: nothing hangs on the exact number.
        let missing = self.answersMissing.load(ordering: .relaxed)
        if missing > 0 {
            self.answersMissing.store(missing - 1, ordering: .relaxed)
        }
    }
}
