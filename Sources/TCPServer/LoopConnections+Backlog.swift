import NIOCore
import WorkerPool

extension LoopConnections {
    /// The interval of checks on clients that have not taken all of their answers.
    private static let backlogInterval = TimeAmount.seconds(1)
    /// Consecutive checks without room before clients that read too slowly are closed.
    private static let patientChecks = 5

    /// Checks a connection's backlog regularly until it is empty.
    func watchBacklog(of connection: ConnectionHandler) {
        self.behind.append(connection)
        guard self.backlogWatch == nil else {
            return
        }
        let interval = Self.backlogInterval
        self.backlogWatch = self.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            self.checkBacklogs()
        }
    }

    /// When pending answers reach their limit, closes connections whose clients do not read, those with the largest
    /// backlog first, until half of the limit is free: a single client could block all others for ever otherwise. If
    /// the limit stays exhausted, clients that read too slowly are closed as well.
    private func checkBacklogs() {
        self.checksWithoutRoom = self.pendingAnswers.isFull ? self.checksWithoutRoom + 1 : 0
        let cutsOverdue = self.checksWithoutRoom >= Self.patientChecks
        var slow: [(connection: ConnectionHandler, bytes: Int, pace: Backlog.Pace)] = []
        var stalled: [ConnectionHandler] = []
        self.behind.removeAll { connection in
            guard let check = connection.checkBacklog() else {
                return true
            }
            if connection.checkWriteTimeout() {
                stalled.append(connection)
                return true
            }
            if check.pace == .stalled || check.pace == .overdue && cutsOverdue {
                slow.append((connection, check.bytes, check.pace))
            }
            return false
        }
        for connection in stalled {
            connection.cutStalledReader()
        }
        if self.pendingAnswers.isFull {
            for client in slow.sorted(by: { $0.bytes > $1.bytes }) where self.pendingAnswers.isHalfFull {
                client.connection.cutSlowReader(client.pace)
            }
        }
        if self.behind.isEmpty {
            self.checksWithoutRoom = 0
            self.backlogWatch?.cancel()
            self.backlogWatch = nil
        }
    }
}
