/// The end of the socket.
extension ConnectionStateMachine {
    /// Performs ``Step/closeSocket(_:)``; see ``SocketStateMachine`` for the parameters.
    mutating func closeSocket(unwritten: Int, isSettled: () -> Bool) -> SocketStateMachine.Action {
        self.socket.close(self.ending, unwritten: unwritten, isSettled: isSettled)
    }

    mutating func flushed(isSettled: () -> Bool) -> SocketStateMachine.Action {
        self.socket.flushed(isSettled: isSettled)
    }

    mutating func checkFlush(unwritten: Int) -> SocketStateMachine.Action {
        self.socket.checkFlush(unwritten: unwritten)
    }

    mutating func checkLinger(untaken: Int) -> SocketStateMachine.Action {
        self.socket.checkLinger(untaken: untaken)
    }
}
