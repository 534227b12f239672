import NIOCore
import Synchronization

/// The command of the next worker; a reload may change it.
final class CurrentCommand: Sendable {
    /// The habits are those of the workers of this command, as far as they are known.
    typealias Value = (command: WorkerCommand, handshakeTimeout: TimeAmount, habits: WorkerHabits)

    private let state: Mutex<Value>

    init(_ value: Value) {
        self.state = Mutex(value)
    }

    var value: Value {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }
}
