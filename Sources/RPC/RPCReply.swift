import NIOCore
import Synchronization

/// The right to reply to one call, exactly once and from any thread.
///
/// A second completion, or one after the connection has closed, is ignored. A reply that is dropped without completion
/// fails its call, so that no caller waits for ever.
package final class RPCReply: Sendable {
    package typealias Send = @Sendable (Result<ByteBuffer, RPCError>) -> Void

    private enum State {
        /// The method runs: most reply before it returns. Can become `early` or `open`.
        case running(abandoned: (@Sendable () -> Void)?)
        /// Completed before the method has returned. Can become `completed`.
        case early(Result<ByteBuffer, RPCError>)
        /// Can become `abandoned` or `completed`.
        case open(send: Send, abandoned: (@Sendable () -> Void)?)
        /// Final, as the next one.
        case abandoned
        case completed
    }

    private let state: Mutex<State>

    /// For a call whose method is about to run; ``detach(_:)`` follows.
    package init() {
        self.state = Mutex(.running(abandoned: nil))
    }

    /// - Parameter send: Called once at most.
    package init(send: @escaping Send) {
        self.state = Mutex(.open(send: send, abandoned: nil))
    }

    /// The method has returned.
    ///
    /// - Parameter send: Makes what is called once at most, with a result that comes later.
    /// - Returns: The result if it is there already.
    package func detach(_ send: () -> Send) -> Result<ByteBuffer, RPCError>? {
        self.state.withLock { state in
            switch state {
            case .early(let result):
                state = .completed
                return result
            case .running(let abandoned):
                state = .open(send: send(), abandoned: abandoned)
                return nil
            case .open, .abandoned, .completed:
                return nil
            }
        }
    }

    deinit {
        self.complete(.failure(RPCError("the call was dropped")))
    }

    /// - Parameter result: The result, encoded in the call's codec, or the call's failure.
    package func complete(_ result: Result<ByteBuffer, RPCError>) {
        let send: Send? = self.state.withLock { state in
            switch state {
            case .running:
                state = .early(result)
                return nil
            case .open(let send, _):
                state = .completed
                return send
            case .early, .abandoned, .completed:
                return nil
            }
        }
        send?(result)
    }

    /// Runs a body when the connection closes before the completion; at once when it has closed. The last body set counts.
    package func onAbandoned(_ body: @escaping @Sendable () -> Void) {
        let isAbandoned = self.state.withLock { state in
            switch state {
            case .running:
                state = .running(abandoned: body)
                return false
            case .open(let send, _):
                state = .open(send: send, abandoned: body)
                return false
            case .abandoned: return true
            case .early, .completed: return false
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
