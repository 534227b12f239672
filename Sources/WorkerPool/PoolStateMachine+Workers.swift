import NIOCore

// The start and the end of workers.

extension PoolStateMachine {
    enum Cause {
        /// The worker left as planned.
        case plan
        /// It ended by itself or was given up; it was useful if it did a job or lived long.
        case failure(wasUseful: Bool)
    }

    /// Whether the pool has started and is not closing.
    var isServing: Bool {
        self.phase == .running || self.phase == .cutOff
    }

    /// Starts the pool: every worker at once.
    mutating func start() -> Actions {
        var actions = Actions()
        guard self.phase == .starting else {
            return actions
        }
        for _ in 0..<self.configuration.numWorkers {
            self.occupy(&actions)
        }
        self.runIfReady(&actions)
        return actions
    }

    private mutating func runIfReady(_ actions: inout Actions) {
        if self.phase == .starting, self.ready >= self.configuration.numWorkers {
            self.phase = .running
            actions.append(.becomeReady)
        }
    }

    /// Puts a new worker into a vacant place. A place whose last workers have failed waits before it gets another.
    mutating func occupy(_ actions: inout Actions) {
        let place = self.roster.vacantPlace()
        self.startWorker(in: place, as: .counted, &actions)
    }

    @discardableResult
    mutating func startWorker(
        in place: Int,
        as standing: Roster<Request, Handle>.Standing,
        _ actions: inout Actions
    ) -> WorkerStart {
        let id = self.roster.occupy(place, as: standing)
        // After the first failure in a row the next worker starts at once, as after any other end.
        let start = WorkerStart(id: id, delay: self.backoff(failures: self.roster.places[place].failures - 1))
        actions.append(.start(start))
        return start
    }

    mutating func backoff(failures: Int) -> TimeAmount {
        guard failures > 0 else {
            return .zero
        }
        let backoff = self.configuration.backoff
        let doubled = backoff.shortest.nanoseconds << Int64(min(failures - 1, 16))
        let wait = min(max(doubled, backoff.shortest.nanoseconds), backoff.longest.nanoseconds)
        return .nanoseconds(self.jitter(in: (wait / 2)...wait))
    }

    enum Launch: Hashable {
        /// Start the process.
        case go
        /// The process is no longer wanted.
        case cancel
        /// There is no room: the start is tried again once there is. This worker, which was given up, must be killed
        /// for it.
        case wait(kill: WorkerID?)
    }

    /// The wait before a worker's start is over.
    mutating func launch(_ id: WorkerID) -> Launch {
        guard case .absent(.backingOff) = self.roster.state(of: id) else {
            return .cancel
        }
        let launch = self.processes.launch(
            id,
            retiring: self.roster.retiring,
            maximum: self.configuration.maximumWorkers,
            successors: self.replacingLimit
        )
        switch launch {
        case .wait(let lost):
            return .wait(kill: lost)
        case .go:
            // The process reads the current code and settings at its start.
            self.roster.launched(id.place, epoch: self.epoch)
            return .go
        }
    }

    /// A worker has answered its handshake. One that is too late is stopped.
    mutating func ready(_ id: WorkerID, _ handle: Handle, loopIndex: Int, now: NIODeadline) -> Actions {
        guard case .absent(.starting(let epoch)) = self.roster.state(of: id) else {
            return Actions(.stop(handle))
        }
        var actions = Actions()
        let worker = Roster<Request, Handle>.Worker(
            handle: handle,
            loopIndex: loopIndex,
            readySince: now,
            jobLimit: self.jobLimit(),
            epoch: epoch,
            changedAt: now
        )
        self.takeOver(id, &actions)
        self.roster.becameReady(id.place, worker)
        self.fill(id.place, now: now, &actions)
        if !self.roster.isBusy(id) {
            self.roster.free(id.place)
        }
        if epoch < self.epoch {
            self.askForReplacement(id, .reset)
        }
        self.noteAvailability(now: now)
        self.runIfReady(&actions)
        // Waiting requests may need more workers than were started at once.
        self.startMore(&actions)
        return actions
    }

    /// `max_jobs` with 0 to 14 % more.
    private mutating func jobLimit() -> Int {
        let limit = self.configuration.maxJobs
        guard limit > 0 else {
            return 0
        }
        let most = limit / 100 * 14 + limit % 100 * 14 / 100
        let (sum, overflow) = limit.addingReportingOverflow(Int(self.jitter(in: 0...Int64(most))))
        return overflow ? limit : sum
    }

    /// A worker is unusable: it never started, ended, or wrote something else than an answer.
    ///
    /// - Parameter begun: The number of its requests, from the first on, that it may have begun. Others get the rest.
    mutating func failed(_ id: WorkerID, _ failure: WorkerFailure, begun: Int, now: NIODeadline) -> Actions {
        var actions = Actions()
        self.giveUp(id, failure, begun: begun, now: now, &actions)
        self.noteAvailability(now: now)
        return actions
    }

    private mutating func giveUp(
        _ id: WorkerID,
        _ failure: WorkerFailure,
        begun: Int,
        now: NIODeadline,
        _ actions: inout Actions
    ) {
        switch self.roster.state(of: id) {
        case nil, .absent(.vacant), .absent(.backingOff):
            return
        case .absent(.starting):
            self.countFailure(failure, nil)
            guard self.phase != .starting else {
                self.vacate(id.place, after: .failure(wasUseful: false), &actions)
                return actions.append(.failStart(failure))
            }
            let goesOn = self.successorFailed(id, failure, now: now, &actions)
            let start = self.vacate(id.place, after: .failure(wasUseful: false), &actions)
            if !goesOn {
                actions.append(.report(.failed(id, failure, delay: start?.delay ?? .zero)))
            }
        case .ready(let worker):
            var failure = failure
            if case .killed(let code) = worker.fate {
                failure = .killed(code)
            } else {
                self.countFailure(failure, worker)
            }
            let start = self.vacate(id.place, after: self.failure(of: worker, now: now), &actions)
            for (index, lease) in worker.leases.enumerated() {
                guard case .open(var entry) = lease else {
                    continue
                }
                if index < begun {
                    actions.append(.fail(entry.request, .workerGone(failure)))
                    continue
                }
                entry.losses += 1
                if entry.losses > self.mostLosses {
                    actions.append(.fail(entry.request, .workerGone(failure)))
                } else {
                    self.retry(entry, loopIndex: worker.loopIndex, now: now, &actions)
                }
            }
            actions.append(.report(.failed(id, failure, delay: start?.delay ?? .zero)))
        }
        self.startMore(&actions)
    }

    /// How many workers may end before they have read a request; after one more the request fails. It cannot be why they
    /// end, but it must not be passed on for ever where every worker ends at once. All workers that the pool keeps may be
    /// killed together, and then all of their successors; of those that are started on demand (up to 500 in `debug`) a few
    /// are enough.
    private var mostLosses: Int {
        let onDemand = min(self.configuration.allocator?.maxWorkers ?? 0, 8)
        return self.configuration.maxAttempts + 2 * (self.configuration.numWorkers + onDemand)
    }

    private mutating func countFailure(_ failure: WorkerFailure, _ worker: Roster<Request, Handle>.Worker?) {
        // One that leaves was counted when its successor took over, or when it was killed for the first time.
        if self.isOpen, worker?.fate.leaves != true {
            self.measures.countRestart(RestartReason(failure.code))
        }
    }

    /// Kills a worker because of its first request, which fails.
    mutating func kill(_ id: WorkerID, _ code: WorkerFailure.Code, now: NIODeadline, _ actions: inout Actions) {
        guard let worker = self.roster.worker(of: id), case .open(let entry) = worker.leases.first else {
            return
        }
        let failure = WorkerFailure.killed(code)
        self.countFailure(failure, worker)
        // It would have taken at least as long.
        self.times.record(now - worker.changedAt, count: 1)
        actions.append(.report(.killed(id, code)))
        actions.append(.kill(worker.handle, entry.request, failure))
        if worker.leases.count > 1 {
            // It may begin the next requests before it dies.
            self.roster.settleFirst(id.place)
            self.roster.withWorker(id.place) { $0.fate = .killed(code) }
            return
        }
        self.vacate(id.place, after: self.failure(of: worker, now: now), &actions)
    }

    private func failure(of worker: Roster<Request, Handle>.Worker, now: NIODeadline) -> Cause {
        let livedLong = now - worker.readySince >= self.configuration.backoff.healthyAfter
        return .failure(wasUseful: worker.jobs > 0 || livedLong)
    }

    /// Makes a worker without a lease leave its place as planned.
    mutating func dismiss(_ place: Int, _ actions: inout Actions) {
        guard let worker = self.roster.worker(of: self.roster.id(ofPlace: place)) else {
            return
        }
        actions.append(.stop(worker.handle))
        self.vacate(place, after: .plan, &actions)
    }

    /// Frees a place and decides when its next worker starts, if there is to be one.
    @discardableResult
    mutating func vacate(_ place: Int, after cause: Cause, _ actions: inout Actions) -> WorkerStart? {
        let id = self.roster.id(ofPlace: place)
        guard self.noteLeave(id, cause) else {
            return nil
        }
        let wasCounted = self.roster.places[place].standing.isCounted
        self.roster.vacate(place)
        // Counted even if no worker follows at once: the place may be filled again on demand.
        switch cause {
        case .plan, .failure(wasUseful: true): self.roster.setFailures(place, 0)
        case .failure(wasUseful: false): self.roster.setFailures(place, self.roster.places[place].failures + 1)
        }
        guard self.isOpen, wasCounted, !self.successorTakesOver(from: id),
            self.phase != .cutOff || self.ready + self.roster.starting == 0,
            self.roster.counted < self.configuration.numWorkers || self.wantsMoreWorkers > 0
        else {
            return nil
        }
        let standing: Roster<Request, Handle>.Standing =
            if case .plan = cause { .planned } else { .counted }
        return self.startWorker(in: place, as: standing, &actions)
    }

    /// Gives up the start of a worker, if one is on its way to a place: a process that is there is told to end.
    mutating func cancelStart(in place: Int, _ actions: inout Actions) {
        if case .absent(.starting) = self.roster.places[place].state {
            actions.append(.dismiss(self.roster.id(ofPlace: place)))
        }
        self.vacate(place, after: .plan, &actions)
    }

    /// Notes the way in which a worker leaves its place. Returns `false` if the place is vacant.
    private mutating func noteLeave(_ id: WorkerID, _ cause: Cause) -> Bool {
        switch self.roster.state(of: id) {
        case nil, .absent(.vacant):
            return false
        case .absent(.backingOff):
            self.processes.cancel(id)
            return true
        case .absent(.starting), .ready:
            break
        }
        switch cause {
        case .failure where !self.roster.places[id.place].isRetiring: self.processes.left(id, isPlanned: false)
        case .failure, .plan: self.processes.left(id, isPlanned: true)
        }
        return true
    }

    /// A process that ``launch(_:)`` allowed has been reaped, or never came to be.
    mutating func reaped(_ id: WorkerID, now: NIODeadline) -> Actions {
        var actions = Actions()
        // The worker reports its end before, but a process that is gone must not hold a place in any case.
        self.giveUp(id, WorkerFailure(.exit, "the worker has ended"), begun: .max, now: now, &actions)
        self.processes.reaped(id)
        self.endIfDone(&actions)
        self.launchWithRoom(&actions)
        self.noteAvailability(now: now)
        return actions
    }

    // MARK: The end

    /// Begins to close: no request is accepted, waiting ones are refused, and workers stop as they become free.
    mutating func close() -> Actions {
        var actions = Actions()
        guard self.isOpen else {
            return actions
        }
        self.phase = .closing
        self.endLoyalty(&actions)
        while let entry = self.queue.popFirst() {
            actions.append(.fail(entry.request, .poolClosing))
        }
        for place in self.roster.places.indices {
            switch self.roster.places[place].state {
            case .absent:
                self.cancelStart(in: place, &actions)
            case .ready(let worker):
                if worker.leases.isEmpty {
                    self.dismiss(place, &actions)
                }
            }
        }
        self.endIfDone(&actions)
        return actions
    }

    private mutating func endIfDone(_ actions: inout Actions) {
        if self.phase == .closing, self.processes.count == 0 {
            self.phase = .closed
            actions.append(.end)
        }
    }
}
