import Dispatch
import Glibc
import NIOCore

/// Notices the end of a process before it is reaped, while its id cannot be reused.
final class ProcessExit: Sendable {
    /// The interval of polling if the kernel does not notify.
    private static let interval = TimeAmount.milliseconds(50)

    private enum Watch {
        // Dispatch sources may be used from any thread; their type does not say so.
        case descriptor(any DispatchSourceRead)
        case polling(RepeatedTask)
    }

    private nonisolated(unsafe) let watch: Watch
    let future: EventLoopFuture<Void>

    /// - Parameter processDescriptor: A pidfd, which becomes readable when the process ends. It must stay open until
    ///   ``cancel()`` has returned. Negative when there is none: no descriptor was left, or the kernel is an old one.
    init(pid: pid_t, processDescriptor: CInt, on eventLoop: any EventLoop) {
        let promise = eventLoop.makePromise(of: Void.self)
        self.future = promise.futureResult
        guard processDescriptor >= 0 else {
            // The end of the task completes the promise.
            let task = eventLoop.scheduleRepeatedTask(
                initialDelay: Self.interval,
                delay: Self.interval,
                notifying: promise
            ) { task in
                if Self.hasEnded(pid) {
                    task.cancel()
                }
            }
            self.watch = .polling(task)
            return
        }
        let source = DispatchSource.makeReadSource(fileDescriptor: processDescriptor)
        nonisolated(unsafe) let watched = source
        source.setEventHandler { watched.cancel() }
        source.setCancelHandler { promise.succeed() }
        source.activate()
        self.watch = .descriptor(source)
    }

    private static func hasEnded(_ pid: pid_t) -> Bool {
        var info = siginfo_t()
        return waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_signo == SIGCHLD
    }

    /// Ends the watch. The descriptor may be closed once this returns.
    func cancel() async {
        switch self.watch {
        case .descriptor(let source): source.cancel()
        case .polling(let task): task.cancel()
        }
        try? await self.future.get()
    }
}
