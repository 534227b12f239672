import Glibc
import Synchronization

/// A signal that `rr serve` obeys.
package enum ProcessSignal: String, Sendable, CaseIterable {
    case hangUp = "SIGHUP"
    case user1 = "SIGUSR1"
    case user2 = "SIGUSR2"
    case interrupt = "SIGINT"
    case terminate = "SIGTERM"

    var number: Int32 {
        switch self {
        case .hangUp: SIGHUP
        case .user1: SIGUSR1
        case .user2: SIGUSR2
        case .interrupt: SIGINT
        case .terminate: SIGTERM
        }
    }

    fileprivate var bit: UInt64 { 1 << UInt64(self.number) }
}

/// The signals of this process, from its first moment on: one that comes before anybody is there to obey it is kept.
///
/// They are caught, and obeyed by a thread of their own, which works whatever hangs elsewhere. They are not awaited with
/// sigwait(3) or signalfd(2): a thread of swift-subprocess waits with every signal unblocked, where one that is not caught
/// would take its default action.
package enum ProcessSignals {
    private struct State {
        var obeyed: UInt64 = 0
        var handler: @Sendable (ProcessSignal) -> Void = { _ in }
        /// What was in effect before.
        var dispositions: [Disposition] = []
    }

    private struct Disposition: @unchecked Sendable {
        var signal: ProcessSignal
        var handler: (@convention(c) (Int32) -> Void)?
    }

    /// Signals that have come and are not obeyed yet. Not more than one of each, as in the kernel.
    private static let pending = Atomic<UInt64>(0)
    /// Posted when something is pending, or obeyed from now on.
    private nonisolated(unsafe) static let semaphore: UnsafeMutablePointer<sem_t> = {
        let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
        return semaphore
    }()
    private static let state = Mutex(State())

    /// Keeps the signals that come from now on. To be called once, before there is a second thread.
    ///
    /// Where no thread can be started they keep their default actions.
    package static func hold() {
        // Threads to come leave them to ours, so that nobody else is interrupted.
        var set = sigset_t()
        sigemptyset(&set)
        for signal in ProcessSignal.allCases {
            sigaddset(&set, signal.number)
        }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // Both are made here, and not by a signal.
        _ = self.semaphore
        _ = self.pending.load(ordering: .relaxed)
        let dispositions = ProcessSignal.allCases.map { name in
            Disposition(signal: name, handler: signal(name.number) { ProcessSignals.note($0) })
        }
        self.state.withLock { $0.dispositions = dispositions }
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { _ in
                ProcessSignals.run()
                return nil
            }, nil)
        guard result == 0 else {
            self.release()
            pthread_sigmask(SIG_UNBLOCK, &set, nil)
            return
        }
        pthread_detach(thread)
    }

    /// Gives the signals the effect again that they had, those that came meanwhile included: this is no server.
    package static func release() {
        for disposition in self.state.withLock({ $0.dispositions }) {
            signal(disposition.signal.number, disposition.handler)
        }
        let pending = self.pending.exchange(0, ordering: .sequentiallyConsistent)
        for signal in ProcessSignal.allCases where pending & signal.bit != 0 {
            kill(getpid(), signal.number)
        }
    }

    /// Has signals obeyed from now on, those that were kept included; others are kept.
    ///
    /// - Parameter handler: Called on a thread of its own, one signal after the other; takes the place of the one before.
    package static func obey(_ signals: [ProcessSignal], _ handler: @escaping @Sendable (ProcessSignal) -> Void) {
        self.state.withLock { state in
            state.obeyed = signals.reduce(0) { $0 | $1.bit }
            state.handler = handler
        }
        sem_post(self.semaphore)
    }

    /// Ends the process when it is asked to end: there is nobody to be served yet.
    package static func leaveWhenAsked(_ cleanUp: @escaping @Sendable () -> Void = {}) {
        self.obey([.interrupt, .terminate]) { _ in
            cleanUp()
            // Not exit(3): it would run destructors beside threads that are alive.
            _exit(0)
        }
    }

    /// In the signal's handler: nothing here may allocate, lock or fail.
    private static func note(_ number: Int32) {
        let error = errno
        self.pending.bitwiseOr(1 << UInt64(number), ordering: .sequentiallyConsistent)
        sem_post(self.semaphore)
        errno = error
    }

    private static func run() {
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        while true {
            while sem_wait(self.semaphore) != 0 {}
            let (obeyed, handler) = self.state.withLock { ($0.obeyed, $0.handler) }
            let pending = self.pending.bitwiseAnd(~obeyed, ordering: .sequentiallyConsistent).oldValue
            for signal in ProcessSignal.allCases where pending & obeyed & signal.bit != 0 {
                handler(signal)
            }
        }
    }
}
