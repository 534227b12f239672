import Glibc
import NIOCore
import Subprocess

/// A process for which swift-subprocess has no pidfd: if no descriptor was left, it does not notice the process's end
/// and waits for ever. It is left waiting, and the process is reaped here.
struct UnwatchedProcess {
    /// The time for swift-subprocess: on kernels without pidfds it waits in another way and reaps the process itself.
    private static let patience = TimeAmount.seconds(1)

    let pid: pid_t

    /// Reaps the process, which has ended or is about to.
    ///
    /// - Parameter status: Completed with the status, unless it has been completed before.
    func reap(on eventLoop: any EventLoop, telling status: EventLoopPromise<String>) {
        let task = eventLoop.scheduleRepeatedTask(initialDelay: Self.patience, delay: Self.patience) { task in
            var wait: CInt = 0
            switch waitpid(self.pid, &wait, WNOHANG) {
            case 0: break
            case self.pid: status.succeed(Self.status(wait).text)
            default: status.succeed("nobody knows how")
            }
        }
        status.futureResult.whenComplete { _ in task.cancel() }
    }

    /// Decodes the status of waitpid(2).
    private static func status(_ wait: CInt) -> TerminationStatus {
        let signal = wait & 0x7F
        return signal == 0 ? .exited(wait >> 8 & 0xFF) : .signaled(signal)
    }
}
