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

/// The signals of this process from its start: a signal that arrives before its handler is set is kept.
///
/// A dedicated thread handles them, so that they work even if other threads hang. They are caught instead of awaited
/// with sigwait(3) or signalfd(2): a thread of swift-subprocess waits with every signal unblocked, and an uncaught
/// signal would take its default action there.
package enum ProcessSignals {
    private struct State {
        var obeyed: UInt64 = 0
        var handler: @Sendable (ProcessSignal) -> Void = { _ in }
        /// The previous dispositions.
        var dispositions: [Disposition] = []
    }

    private struct Disposition: @unchecked Sendable {
        var signal: ProcessSignal
        var handler: (@convention(c) (Int32) -> Void)?
    }

    /// Signals that have arrived and are not handled yet: at most one of each, as in the kernel.
    private static let pending = Atomic<UInt64>(0)
    /// Posted when a signal becomes pending or a handler is set.
    private nonisolated(unsafe) static let semaphore: UnsafeMutablePointer<sem_t> = {
        let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
        return semaphore
    }()
    private static let state = Mutex(State())

    /// Keeps signals that arrive from now on. Must be called once, before a second thread starts.
    ///
    /// If no thread can be started, signals keep their default actions.
    package static func hold() {
        // Later threads inherit the mask, so that only the signals' thread is interrupted.
        var set = sigset_t()
        sigemptyset(&set)
        for signal in ProcessSignal.allCases {
            sigaddset(&set, signal.number)
        }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // Initialize both here rather than in the signal's handler.
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

    /// Restores the previous dispositions, also for signals that arrived meanwhile: this process is not a server.
    package static func release() {
        for disposition in self.state.withLock({ $0.dispositions }) {
            signal(disposition.signal.number, disposition.handler)
        }
        let pending = self.pending.exchange(0, ordering: .sequentiallyConsistent)
        for signal in ProcessSignal.allCases where pending & signal.bit != 0 {
            kill(getpid(), signal.number)
        }
    }

    /// Handles these signals from now on, including those that were kept. Others stay kept.
    ///
    /// - Parameter handler: Called on a dedicated thread, for one signal at a time. Replaces the previous handler.
    package static func obey(_ signals: [ProcessSignal], _ handler: @escaping @Sendable (ProcessSignal) -> Void) {
        self.state.withLock { state in
            state.obeyed = signals.reduce(0) { $0 | $1.bit }
            state.handler = handler
        }
        sem_post(self.semaphore)
    }

    /// Exits the process as soon as a signal asks for it, because no client is served yet.
    package static func leaveWhenAsked(_ cleanUp: @escaping @Sendable () -> Void = {}) {
        self.obey([.interrupt, .terminate]) { _ in
            cleanUp()
            // exit(3) would run destructors while other threads are alive.
            _exit(0)
        }
    }

    /// Runs in the signal's handler: it must not allocate, lock or fail.
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
