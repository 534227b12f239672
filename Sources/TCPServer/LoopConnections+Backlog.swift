import NIOCore
import WorkerPool

extension LoopConnections {
    /// How often is looked at clients that have not taken all of their answers.
    private static let backlogInterval = TimeAmount.seconds(1)

    /// Looks at a connection's backlog until there is none.
    func watchBacklog(of connection: ConnectionHandler) {
        self.behind.append(connection)
        guard self.backlogWatch == nil else {
            return
        }
        let interval = Self.backlogInterval
        self.backlogWatch = self.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            self.lookAtBacklogs()
        }
    }

    /// When answers take as much as they may, connections are closed whose clients do not read: those with the largest
    /// backlog first, until half is free. Else one could keep all the others waiting for ever.
    private func lookAtBacklogs() {
        var slow: [(connection: ConnectionHandler, bytes: Int)] = []
        self.behind.removeAll { connection in
            guard let look = connection.lookAtBacklog() else {
                return true
            }
            if look.isSlow {
                slow.append((connection, look.bytes))
            }
            return false
        }
        if self.pendingAnswers.isFull {
            for (connection, _) in slow.sorted(by: { $0.bytes > $1.bytes }) where self.pendingAnswers.isHalfFull {
                connection.cutSlowReader()
            }
        }
        if self.behind.isEmpty {
            self.backlogWatch?.cancel()
            self.backlogWatch = nil
        }
    }
}
