import Glibc
import NIOCore
import Subprocess

/// A process that swift-subprocess has no pidfd of: when no descriptor was left it does not notice its end, and waits for
/// ever. It is left waiting, and the process reaped here.
struct UnwatchedProcess {
    /// How long swift-subprocess gets: without pidfds in the kernel it waits in another way, and reaps it itself.
    private static let patience = TimeAmount.seconds(1)

    let pid: pid_t

    /// Reaps the process, which has ended or is about to.
    ///
    /// - Parameter status: Told how it ended, unless it is told before.
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

    /// Reads what waitpid(2) tells.
    private static func status(_ wait: CInt) -> TerminationStatus {
        let signal = wait & 0x7F
        return signal == 0 ? .exited(wait >> 8 & 0xFF) : .signaled(signal)
    }
}
