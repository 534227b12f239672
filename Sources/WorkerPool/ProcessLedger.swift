import NIOCore

/// The processes of a pool: a worker that was given up may live on for a while, gathering what it wrote by mistake, or
/// not reaped yet. It counts until then, so that workers that fail again and again are never more processes than the
/// pool may have.
struct ProcessLedger {
    /// Processes that have been asked for and have not been reaped.
    private(set) var count = 0
    /// Those of them that have left their place as planned.
    private(set) var leaving: Set<WorkerID> = []
    /// Those that left it otherwise and that have not been asked to be killed, in the order in which they left.
    private(set) var lost = CircularBuffer<WorkerID>()
    /// Starts that wait for room.
    private var waiting = CircularBuffer<WorkerID>()

    /// Processes that may be started now.
    ///
    /// Those on their planned way out do not count, so that nothing waits for them in an ordinary reset: left as
    /// planned, or to leave after their answer. More than a whole pool, or a few for a small one, do: workers that leave
    /// faster than they end would be more and more processes.
    ///
    /// - Parameters:
    ///   - retiring: Workers in their place that are to leave it.
    ///   - maximum: Workers that the pool may have, without successors.
    ///   - successors: Successors that it may have at once.
    private func room(retiring: Int, maximum: Int, successors: Int) -> Int {
        let counted = self.count - min(self.leaving.count + retiring, max(maximum, 16))
        return maximum + successors - counted
    }

    enum Launch: Hashable {
        case go
        /// It waits for room. This process, which was given up, is to be killed for it.
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

    /// A start that may wait for room is not wanted any more.
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
