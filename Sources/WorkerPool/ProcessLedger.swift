import NIOCore

/// The processes of a pool. A worker that was given up may live on for a while, until its stray output is gathered and
/// the process is reaped. It counts until then, so that workers that fail again and again never exceed the pool's
/// maximum.
struct ProcessLedger {
    /// Processes that have been requested and not reaped.
    private(set) var count = 0
    /// The processes that have left their place as planned.
    private(set) var leaving: Set<WorkerID> = []
    /// The processes that left it otherwise and whose kill has not been requested, in the order in which they left.
    private(set) var lost = CircularBuffer<WorkerID>()
    /// Starts that wait for room.
    private(set) var waiting = CircularBuffer<WorkerID>()

    /// Processes that may be started now.
    ///
    /// Planned leavers, which have left or will leave after their answer, do not count, so that an ordinary reset does
    /// not wait for them. Those beyond a whole pool, or a few for a small pool, do count: workers that leave faster
    /// than they end would pile up processes.
    ///
    /// - Parameters:
    ///   - retiring: Workers that will leave their place.
    ///   - maximum: Workers that the pool may have, without successors.
    ///   - successors: Successors that it may have at once.
    private func room(retiring: Int, maximum: Int, successors: Int) -> Int {
        let counted = self.count - min(self.leaving.count + retiring, max(maximum, 16))
        return maximum + successors - counted
    }

    enum Launch: Hashable {
        case go
        /// It waits for room. This process, which was given up, must be killed for it.
        case wait(kill: WorkerID?)
    }

    mutating func launch(_ id: WorkerID, retiring: Int, maximum: Int, successors: Int) -> Launch {
        guard self.room(retiring: retiring, maximum: maximum, successors: successors) > 0 else {
            self.waiting.append(id)
            return .wait(kill: self.lost.popFirst())
        }
        self.count += 1
        return .go
    }

    /// Starts that waited for room, as many as there is room for.
    mutating func launchesWithRoom(retiring: Int, maximum: Int, successors: Int) -> [WorkerID] {
        guard !self.waiting.isEmpty else {
            return []
        }
        let room = self.room(retiring: retiring, maximum: maximum, successors: successors)
        return (0..<min(max(0, room), self.waiting.count)).map { _ in self.waiting.removeFirst() }
    }

    /// Cancels a start that may be waiting for room.
    mutating func cancel(_ id: WorkerID) {
        self.waiting.removeAll { $0 == id }
    }

    /// A process has left its place.
    mutating func left(_ id: WorkerID, isPlanned: Bool) {
        if isPlanned {
            self.leaving.insert(id)
        } else {
            self.lost.append(id)
        }
    }

    /// A process has been reaped, or never came to be.
    mutating func reaped(_ id: WorkerID) {
        self.count -= 1
        if self.leaving.remove(id) == nil {
            self.lost.removeAll { $0 == id }
        }
    }
}
