import Synchronization

/// The command that the next worker is started with; a reload may change it.
final class CurrentCommand: Sendable {
    private let state: Mutex<WorkerCommand>

    init(_ command: WorkerCommand) {
        self.state = Mutex(command)
    }

    var value: WorkerCommand {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }
}
