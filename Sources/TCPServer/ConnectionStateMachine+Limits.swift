/// What limits see of a connection, and do with it.
extension ConnectionStateMachine {
    /// Notes what is seen, for the next look. `nil` once the connection ends.
    mutating func look(hasHadPacket: Bool) -> SessionDeadlines.Look? {
        guard let state = self.seenState() else {
            return nil
        }
        let hasHeard = self.idleChecks >= 0
        self.idleChecks = -1
        return SessionDeadlines.Look(state: state, hasHeard: hasHeard, hasHadPacket: hasHadPacket)
    }

    private mutating func seenState() -> SessionDeadlines.Look.State? {
        switch self.state {
        case .preface, .connecting, .serving, .startingTLS, .securing:
            return .busy
        case .ready, .gathering:
            guard !self.socket.isBehind else {
                return .busy
            }
            guard self.buffered > 0 else {
                self.state = .ready
                return .betweenPackets
            }
            let isSame = if case .gathering = self.state { true } else { false }
            self.state = .gathering
            return .inPacket(isSame: isSame)
        case .closing, .leaving, .parting, .ended, .over:
            return nil
        }
    }

    /// The client took too long. Without effect unless it is its turn.
    mutating func expire(_ timeout: SessionTimeout) {
        switch self.state {
        case .ready, .gathering: self.close(.timeout(timeout))
        case .preface, .connecting, .serving, .startingTLS, .securing, .closing, .leaving, .parting, .ended, .over:
            break
        }
    }

    /// Whether the next packet has to wait.
    mutating func pace(_ isPaced: Bool) {
        self.socket.pace(isPaced)
    }
}
