import NIOCore

@testable import WorkerPool

extension PoolWalk {
    /// What must hold after every event.
    func checkCounts() throws(Violation) {
        let model = self.model
        try check(
            self.machine.waiting == model.waiting.count, "\(self.machine.waiting) wait, not \(model.waiting.count)")
        try check(self.machine.running == model.running, "\(self.machine.running) run, not \(model.running)")
        try check(self.machine.ready == model.ready, "\(self.machine.ready) are ready, not \(model.ready)")
        try check(self.machine.processes == model.processes.count, "\(self.machine.processes) processes are counted")
        let free = self.machine.free.map { loop in
            loop.map { WorkerID(place: $0, generation: self.machine.places[$0].generation) }
        }
        try check(free == model.free, "the free lists are \(free), not \(model.free)")
        let idle = model.free.reduce(0) { $0 + $1.count }
        try check(model.waiting.isEmpty || idle == 0, "\(model.waiting.count) wait while \(idle) workers are free")
        guard !self.startFailed else {
            return
        }
        try check(model.waiting.isEmpty || !model.workers.isEmpty, "requests wait and no worker is on its way")
        try self.checkPlaces()
        try self.checkProcesses()
        if self.machine.isCutOff {
            try check(model.requests.values.allSatisfy(\.isClose), "an event is left after the cut-off")
            try check(!model.workers.isEmpty, "nobody is left for a CLOSE")
        }
        if !self.isSupervised {
            let expected = model.configuration.numWorkers
            let counted = self.machine.countedPlaces
            try check(counted == expected, "\(counted) workers instead of \(expected)")
        }
    }

    /// However workers fail: there are never more processes than the pool may have, those on their planned way out
    /// apart, and no start waits longer than it must.
    private func checkProcesses() throws(Violation) {
        let (counted, most) = (self.model.countedProcesses, self.model.mostProcesses)
        // A number that was made smaller is reached as processes end.
        try check(self.isReconfigured || counted <= most, "\(counted) processes of \(most)")
        if !self.held.isEmpty || !self.machine.launchQueue.isEmpty {
            let held = self.held.filter { !self.machine.isGone($0) }
            let released = self.released.count { !self.machine.isGone($0) }
            try check(held.isEmpty || counted + released >= most, "\(held) wait though there is room")
            try check(held == Set(self.machine.launchQueue), "\(self.machine.launchQueue) wait, not \(held)")
        }
        try check(self.machine.lost.allSatisfy(self.model.lost.contains), "what is lost is not")
        try check(
            self.machine.leaving.count + self.model.lost.count
                + self.model.workers.values.count { $0.state != .wanted } == self.machine.processes,
            "\(self.machine.leaving) leave"
        )
    }

    /// What the machine counts is what is there.
    private func checkPlaces() throws(Violation) {
        let machine = self.machine
        let counted = machine.places.count { $0.isCounted }
        try check(machine.countedPlaces == counted, "\(machine.countedPlaces) places are counted, \(counted) are there")
        let successors = machine.places.compactMap(\.replaces)
        try check(
            machine.replacing == successors.count, "\(machine.replacing) successors, \(successors.count) are there")
        var starting = 0
        for place in machine.places {
            switch place.state {
            case .backingOff, .starting:
                starting += 1
            case .busy(let worker, _), .idle(let worker):
                try check(!worker.isRetiring || !place.isCounted, "a worker that retires counts")
            case .vacant:
                try check(!place.isCounted && place.replaces == nil, "a vacant place counts")
            }
        }
        try check(machine.startingCount == starting, "\(machine.startingCount) start, \(starting) are there")
        let isAsked =
            machine.phase == .running && !machine.isCutOff && machine.replaceQueue.contains { !machine.isGone($0) }
        try check(
            !isAsked || machine.replacing >= machine.replacingLimit, "nobody starts the successors that are asked for")
        for old in successors {
            try check(!machine.isGone(old), "a successor waits to replace \(old), which is gone")
            try check(machine.places[old.place].isCounted, "a successor waits to replace \(old), which retires")
        }
        let configuration = self.model.configuration
        let most = configuration.numWorkers + (configuration.allocator?.maxWorkers ?? 0)
        if self.wasReady {
            try check(
                machine.isCutOff || counted >= configuration.numWorkers,
                "\(counted) workers of \(configuration.numWorkers)")
            try check(counted <= most, "\(counted) workers of \(most) at the most")
            let isHelped = configuration.allocator == nil || starting > 0 || counted == most
            try check(self.model.waiting.isEmpty || isHelped, "requests wait and the pool does not grow")
        }
    }

    /// Closes the pool; then every request ends once and every process is reaped.
    mutating func close() throws(Violation) {
        let expected = self.model.waiting
        let action = self.machine.close()
        try check(action.refused == expected, "\(action.refused) are refused instead of \(expected)")
        for number in action.refused {
            try self.model.finish(number)
        }
        for id in action.stop {
            try check(self.model.workers[id]?.state == .idle, "\(id) is stopped and not idle")
            try self.model.leave(id)
        }
        for id in action.kill {
            try check(self.model.workers[id]?.state == .starting, "\(id) is killed and not starting")
            try self.model.leave(id)
        }
        for id in self.model.workers.keys where self.model.workers[id]?.state == .wanted {
            try self.model.leave(id)
        }
        try check(
            self.starts.allSatisfy { self.machine.launch($0.id) == .cancel }, "a worker is launched after the close")
        try check(action.isClosed == self.model.processes.isEmpty, "the pool is closed or not")
        try self.drain(isClosed: action.isClosed)
        try check(self.machine.phase == .closed, "the pool is not closed")
        try check(self.model.requests.isEmpty, "\(self.model.requests.keys.sorted()) never ended")
        try check(self.machine.waiting == 0 && self.machine.running == 0, "requests are left")
    }

    private mutating func drain(isClosed: Bool) throws(Violation) {
        while let id = self.pickBusy() {
            let number = try self.model.endLease(id)
            try self.model.leave(id)
            try self.model.finish(number)
            let now = self.now
            switch Int.random(in: 0...2, using: &self.random) {
            case 0:
                let action = self.machine.answered(id, now: { now })
                try check(action?.request == number, "\(id) answered another request")
                try check(action?.next.isReplaced == true && action?.next.started == nil, "\(id) goes on")
                try check(action?.successor == nil, "\(id) has a successor")
            case 1:
                let action = self.machine.refused(id, now: now)
                try check(action?.retry.failure != nil && action?.start.isEmpty == true, "\(id) has a successor")
            default:
                let action = self.machine.failed(id, .gone, requestWritten: self.chance(50), now: now)
                let isFollowed = action.start != nil || !action.more.isEmpty
                try check(action.request?.failure != nil && !isFollowed, "\(id) has a successor")
            }
        }
        try check(self.model.workers.isEmpty, "\(self.model.workers.keys) are left")
        var isClosed = isClosed
        for (index, id) in self.model.processes.enumerated() {
            try check(!isClosed, "the pool is closed too early")
            isClosed = self.machine.reaped(id).isClosed
            try check(isClosed == (index == self.model.processes.count - 1), "closed with the last process")
        }
        try check(self.machine.leaving.isEmpty && self.machine.lost.isEmpty, "processes are left")
        try check(isClosed, "the pool never closes")
    }
}
