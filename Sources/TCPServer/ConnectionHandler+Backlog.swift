import Logging
import NIOCore
import WorkerPool

/// Tracks the answers that a client has not taken. The fast path does none of this.
extension ConnectionHandler {
    /// Makes the channel write once per turn of the event loop instead of up to 17 times: a client on the same machine
    /// reads as fast as the channel writes, and all other connections would wait until it has everything.
    func limitWrites(_ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.writeSpin, value: 0)
    }

    /// Adds an answer that may have been written only in part.
    func countBacklog(_ context: ChannelHandlerContext, answer: Int) {
        let unsent = self.unwrittenBytes(context)
        guard unsent > 0 || self.backlog != nil else {
            return
        }
        if self.backlog == nil {
            self.backlog = Backlog()
            self.home.watchBacklog(of: self)
        }
        self.changeBacklog { backlog in
            backlog.add(answer)
            backlog.update(unsent: unsent)
        }
    }

    /// Updates the backlog after the client may have taken some bytes.
    func updateBacklog() {
        guard let context, self.backlog != nil else {
            return
        }
        let unsent = self.unwrittenBytes(context)
        self.changeBacklog { $0.update(unsent: unsent) }
    }

    private func changeBacklog(_ change: (Backlog) -> Void) {
        guard let backlog else {
            return
        }
        let before = backlog.bytes
        change(backlog)
        self.home.pendingAnswers.add(backlog.bytes - before)
    }

    func forgetBacklog() {
        self.home.pendingAnswers.add(-(self.backlog?.bytes ?? 0))
        self.backlog = nil
    }

    /// Called once a second while the client has not taken all.
    ///
    /// - Returns: `nil` once it has, which ends the checks.
    func checkBacklog() -> (bytes: Int, pace: Backlog.Pace)? {
        self.updateBacklog()
        guard let pace = self.backlog?.check(), let backlog, backlog.bytes > 0 else {
            self.backlog = nil
            return nil
        }
        return (backlog.bytes, pace)
    }

    /// Checks whether `write_timeout` is over. A server that drains ends its connections in its own time.
    func checkWriteTimeout() -> Bool {
        guard let context, let time = self.environment.timeouts.write, self.home.isServing else {
            return false
        }
        let untaken = self.untakenBytes(context)
        return self.backlog?.hasStalled(for: time, untaken: untaken) == true
    }

    /// Closes the socket of a client that reads too slowly or not at all, to make room for other clients' answers.
    func cutSlowReader(_ pace: Backlog.Pace) {
        self.closeCause = .slowReader
        self.home.noteLoss()
        let fault = pace == .stalled ? "does not read its answers" : "reads its answers too slowly"
        self.environment.logger.warning(
            "a client \(fault) while tcp.max_pending is reached, the connection is closed",
            metadata: self.metadata(["bytes": "\(self.backlog?.bytes ?? 0)"])
        )
        self.context?.close(promise: nil)
        self.forgetBacklog()
    }
}
