import NIOCore
import Synchronization

/// The right to reply to one call, exactly once and from any thread.
///
/// A second completion, or one after the connection has closed, is ignored. A reply that is dropped without completion
/// fails its call, so that no caller waits for ever.
package final class RPCReply: Sendable {
    private enum State {
        case open(send: @Sendable (Result<ByteBuffer, RPCError>) -> Void, abandoned: (@Sendable () -> Void)?)
        case abandoned
        case completed
    }

    private let state: Mutex<State>

    /// - Parameter send: Called once at most.
    package init(send: @escaping @Sendable (Result<ByteBuffer, RPCError>) -> Void) {
        self.state = Mutex(.open(send: send, abandoned: nil))
    }

    deinit {
        self.complete(.failure(RPCError("the call was dropped")))
    }

    /// - Parameter result: The result, encoded in the call's codec, or the call's failure.
    package func complete(_ result: Result<ByteBuffer, RPCError>) {
        let send: (@Sendable (Result<ByteBuffer, RPCError>) -> Void)? = self.state.withLock { state in
            guard case .open(let send, _) = state else { return nil }
            state = .completed
            return send
        }
        send?(result)
    }

    /// Runs a body when the connection closes before the completion; at once when it has closed. The last body set counts.
    package func onAbandoned(_ body: @escaping @Sendable () -> Void) {
        let isAbandoned = self.state.withLock { state in
            switch state {
            case .open(let send, _):
                state = .open(send: send, abandoned: body)
                return false
            case .abandoned: return true
            case .completed: return false
            }
        }
        if isAbandoned {
            body()
        }
    }

    /// The connection has closed: nobody waits for the reply any more.
    package func abandon() {
        let body: (@Sendable () -> Void)? = self.state.withLock { state in
            guard case .open(_, let abandoned) = state else { return nil }
            state = .abandoned
            return abandoned
        }
        body?()
    }
}
