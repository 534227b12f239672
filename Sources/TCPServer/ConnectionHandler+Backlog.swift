import Logging
import NIOCore
import WorkerPool

/// What a client has not taken of its answers, while it has not taken all: the fast path knows nothing of this.
extension ConnectionHandler {
    /// Has the channel write once in a turn of the event loop, and not up to 17 times: a client on the same machine reads
    /// as fast as is written, and all others would wait until it has all.
    func limitWrites(_ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.writeSpin, value: 0)
    }

    /// An answer may have been written in part.
    func countBacklog(_ context: ChannelHandlerContext, answer: Int) {
        let unsent = self.unwrittenBytes(context)
        guard unsent > 0 || self.backlog != nil else {
            return
        }
        if self.backlog == nil {
            self.backlog = Backlog()
            self.home.watchBacklog(of: self)
        }
        self.updateBacklog { backlog in
            backlog.add(answer)
            backlog.update(unsent: unsent)
        }
    }

    /// The client may have taken some.
    func updateBacklog() {
        guard let context, self.backlog != nil else {
            return
        }
        let unsent = self.unwrittenBytes(context)
        self.updateBacklog { $0.update(unsent: unsent) }
    }

    private func updateBacklog(_ update: (inout Backlog) -> Void) {
        guard var backlog else {
            return
        }
        // The only reference to it, or else it would be copied.
        self.backlog = nil
        let before = backlog.bytes
        update(&backlog)
        self.home.pendingAnswers.add(backlog.bytes - before)
        self.backlog = backlog
    }

    func forgetBacklog() {
        self.home.pendingAnswers.add(-(self.backlog?.bytes ?? 0))
        self.backlog = nil
    }

    /// Once a second while the client has not taken all.
    ///
    /// - Returns: `nil` when it has, and is not checked any more.
    func checkBacklog() -> (bytes: Int, pace: Backlog.Pace)? {
        self.updateBacklog()
        guard let pace = self.backlog?.check(), let backlog, backlog.bytes > 0 else {
            self.backlog = nil
            return nil
        }
        return (backlog.bytes, pace)
    }

    /// Closes the socket of a client that does not read, or not fast enough, to make room for the answers of others.
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
