import NIOCore
import WorkerPool

extension LoopConnections {
    /// How often is looked at clients that have not taken all of their answers.
    private static let backlogInterval = TimeAmount.seconds(1)
    /// Looks in a row without room before who reads too slowly is closed.
    private static let patientLooks = 5

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
    /// backlog first, until half is free. Else one could keep all the others waiting for ever. When there is no room for
    /// long, those that read too slowly are closed as well.
    private func lookAtBacklogs() {
        self.looksWithoutRoom = self.pendingAnswers.isFull ? self.looksWithoutRoom + 1 : 0
        let cutsOverdue = self.looksWithoutRoom >= Self.patientLooks
        var slow: [(connection: ConnectionHandler, bytes: Int, pace: Backlog.Pace)] = []
        self.behind.removeAll { connection in
            guard let look = connection.lookAtBacklog() else {
                return true
            }
            if look.pace == .stalled || look.pace == .overdue && cutsOverdue {
                slow.append((connection, look.bytes, look.pace))
            }
            return false
        }
        if self.pendingAnswers.isFull {
            for client in slow.sorted(by: { $0.bytes > $1.bytes }) where self.pendingAnswers.isHalfFull {
                client.connection.cutSlowReader(client.pace)
            }
        }
        if self.behind.isEmpty {
            self.looksWithoutRoom = 0
            self.backlogWatch?.cancel()
            self.backlogWatch = nil
        }
    }
}
