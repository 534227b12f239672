import NIOCore

@testable import WorkerPool

extension PoolWalk {
    /// The invariants that hold after every event.
    func checkCounts() throws(Violation) {
        let model = self.model
        try check(
            self.machine.waiting == model.waiting.count, "\(self.machine.waiting) wait, not \(model.waiting.count)")
        try check(self.machine.running == model.running, "\(self.machine.running) run, not \(model.running)")
        try check(self.machine.ready == model.ready, "\(self.machine.ready) are ready, not \(model.ready)")
        try check(
            self.machine.processes.count == model.processes.count,
            "\(self.machine.processes.count) processes are counted")
        for (id, worker) in model.workers where worker.state == .ready {
            let leases: [Int?] =
                self.machine.roster.worker(of: id)?.leases.map { lease in
                    if case .open(let entry) = lease { entry.request } else { nil }
                } ?? []
            try check(leases == worker.leases, "\(id) has \(leases), not \(worker.leases)")
            let leaves = self.machine.roster.worker(of: id)?.fate.leaves
            try check(leaves == worker.leaves, "\(id) leaves or not")
            try check(!worker.leases.isEmpty || !worker.isRetiring || worker.killed != nil, "\(id) should have left")
        }
        let free = self.machine.roster.free.map { loop in
            loop.map { WorkerID(place: $0, generation: self.machine.roster.places[$0].generation) }
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
        if self.machine.phase == .cutOff {
            let first = Set(model.workers.values.compactMap { $0.leases.first.flatMap { $0 } } + model.waiting)
            try check(
                first.allSatisfy { model.requests[$0]?.isClose == true }, "an event is served after the cut-off")
            try check(!model.workers.isEmpty, "nobody is left for a CLOSE")
        }
        if !self.isSupervised {
            let expected = model.configuration.numWorkers
            let counted = self.machine.roster.counted
            try check(counted == expected, "\(counted) workers instead of \(expected)")
        }
    }

    /// However workers fail: there are never more processes than the pool may have, those on their planned way out
    /// apart, and no start waits longer than it must.
    private func checkProcesses() throws(Violation) {
        let (counted, most) = (self.model.countedProcesses, self.model.mostProcesses)
        // A number that was made smaller is reached as processes end.
        try check(self.isReconfigured || counted <= most, "\(counted) processes of \(most)")
        if !self.held.isEmpty || !self.machine.processes.waiting.isEmpty {
            let held = self.held.filter { !self.machine.isGone($0) }
            let released = self.released.count { !self.machine.isGone($0) }
            try check(held.isEmpty || counted + released >= most, "\(held) wait though there is room")
            try check(
                held == Set(self.machine.processes.waiting), "\(self.machine.processes.waiting) wait, not \(held)")
        }
        try check(self.machine.processes.lost.allSatisfy(self.model.lost.contains), "what is lost is not")
        try check(
            self.machine.processes.leaving.count + self.model.lost.count
                + self.model.workers.values.count { $0.state != .wanted } == self.machine.processes.count,
            "\(self.machine.processes.leaving) leave"
        )
    }

    /// The machine's counts match its places.
    private func checkPlaces() throws(Violation) {
        let machine = self.machine
        let roster = machine.roster
        let counted = roster.places.count { $0.standing.isCounted }
        try check(roster.counted == counted, "\(roster.counted) places are counted, \(counted) are there")
        var successors: [WorkerID] = []
        var starting = 0
        for (index, place) in roster.places.enumerated() {
            if case .successor(let old) = place.standing {
                successors.append(old)
            }
            switch place.state {
            case .absent(.backingOff), .absent(.starting):
                starting += 1
            case .ready(let worker):
                let hasRefused = self.model.workers[roster.id(ofPlace: index)]?.hasRefused == true
                let mayCount = !worker.fate.isRetiring || hasRefused
                try check(mayCount || !place.standing.isCounted, "a worker that retires counts")
            case .absent(.vacant):
                try check(place.standing == .uncounted, "a vacant place counts")
            }
        }
        let onTheirWay = machine.replacement.onTheirWay
        try check(onTheirWay == successors.count, "\(onTheirWay) successors, \(successors.count) are there")
        try check(roster.starting == starting, "\(roster.starting) start, \(starting) are there")
        let isAsked = machine.phase == .running && machine.replacement.queue.contains { !machine.isGone($0) }
        try check(!isAsked || onTheirWay >= machine.replacingLimit, "successors that are asked for are not started")
        for old in successors {
            try check(!machine.isGone(old), "a successor waits to replace \(old), which is gone")
            try check(roster.places[old.place].standing.isCounted, "a successor waits to replace \(old), which retires")
        }
        let configuration = self.model.configuration
        let most = configuration.numWorkers + (configuration.allocator?.maxWorkers ?? 0)
        if self.wasReady {
            try check(
                machine.phase == .cutOff || counted >= configuration.numWorkers,
                "\(counted) workers of \(configuration.numWorkers)")
            try check(counted <= most, "\(counted) workers of \(most) at the most")
            let isHelped = configuration.allocator == nil || starting > 0 || counted == most
            try check(self.model.waiting.isEmpty || isHelped, "requests wait and the pool does not grow")
        }
    }

    /// Closes the pool; then every request ends once and every process is reaped.
    mutating func close() throws(Violation) {
        let expected = self.model.waiting
        let outcome = PoolOutcome(self.machine.close())
        try check(outcome.refused == expected, "\(outcome.refused) are refused instead of \(expected)")
        try check(outcome.failed.allSatisfy { $0.failure == .poolClosing }, "\(outcome.failed)")
        for number in outcome.refused {
            try self.model.finish(number)
        }
        try check(outcome.kill.isEmpty && outcome.start.isEmpty, "the close kills or starts")
        try self.stop(outcome.stop)
        try self.dismiss(outcome.dismissed)
        for id in self.model.workers.keys where self.model.workers[id]?.state == .wanted {
            try self.leave(id)
        }
        try check(
            self.starts.allSatisfy { self.machine.launch($0.id) == .cancel }, "a worker is launched after the close")
        try check(outcome.isClosed == self.model.processes.isEmpty, "the pool is closed or not")
        try self.drain(isClosed: outcome.isClosed)
        try check(self.machine.phase == .closed, "the pool is not closed")
        try check(self.model.requests.isEmpty, "\(self.model.requests.keys.sorted()) never ended")
        try check(self.machine.waiting == 0 && self.machine.running == 0, "requests are left")
    }

    private mutating func drain(isClosed: Bool) throws(Violation) {
        while self.pickBusy() != nil {
            switch Int.random(in: 0...2, using: &self.random) {
            case 0: try self.answer()
            case 1: try self.refuse()
            default: try self.fail()
            }
            try check(self.model.workers.values.allSatisfy { $0.state == .ready }, "a worker starts after the close")
        }
        try check(self.model.workers.isEmpty, "\(self.model.workers.keys) are left")
        var isClosed = isClosed
        for (index, id) in self.model.processes.enumerated() {
            try check(!isClosed, "the pool is closed too early")
            isClosed = PoolOutcome(self.machine.reaped(id, now: self.now)).isClosed
            try check(isClosed == (index == self.model.processes.count - 1), "closed with the last process")
        }
        let processes = self.machine.processes
        try check(processes.leaving.isEmpty && processes.lost.isEmpty, "processes are left")
        try check(isClosed, "the pool never closes")
    }
}
