import NIOCore

/// Decides which worker gets which event, and when workers are started, stopped and given up.
///
/// No I/O and no clock: a method takes an event and says what to do. A *place* is held by one worker after the other;
/// a worker that is asked to stop leaves its place at once, so that its successor starts while it ends. A *lease* is a
/// worker's hold on one request; it ends exactly once: answered, given back undelivered, or failed with the worker.
struct PoolStateMachine<Request> {
    /// A request that waits or is being served.
    struct Entry {
        var request: Request
        var isClose: Bool
        /// Position in the order of arrival.
        var ticket: UInt64
        /// When waiting ends in ``RequestFailure/noFreeWorkers``; a `CLOSE` waits for as long as the pool lives.
        var deadline: NIODeadline
        /// Since when it waits; kept only where it is measured.
        var since = NIODeadline.uptimeNanoseconds(0)
        /// Workers that answered `{"stop":true}`.
        var refusals: Int32 = 0
        /// Workers that ended before they had read it.
        var losses: Int32 = 0
    }

    struct Worker {
        var loopIndex: Int
        var readySince: NIODeadline
        /// When it became idle or busy; kept only where a limit asks for it.
        var changedAt: NIODeadline
        /// Events it has answered.
        var jobs = 0
        /// Events after which it is replaced, its own jitter included; 0 means never.
        var jobLimit: Int
        /// Which reset it was started after.
        var epoch: UInt64
        /// Whether a successor is asked for or on its way.
        var isBeingReplaced = false
        /// Why, then.
        var replaceReason = RestartReason.reset
        /// Whether its successor is ready: it stops after its answer.
        var isRetiring = false
    }

    enum PlaceState {
        /// Nobody. Can become `starting`; for good once the pool is closing.
        case vacant
        /// A successor will be started when its wait is over and there is room for its process. Can become `starting` or
        /// `vacant`.
        case backingOff
        /// A process is on its way to its handshake. Can become `idle`, `busy`, `starting`, `backingOff` or `vacant`.
        case starting
        /// Ready, in the free list of its loop. Can become `busy`, `starting`, `backingOff` or `vacant`.
        case idle(Worker)
        /// Serving. Can become `idle`, `starting`, `backingOff` or `vacant`.
        case busy(Worker, Entry)
    }

    struct Place {
        var generation: UInt64 = 0
        var state = PlaceState.vacant
        /// Workers in a row that ended without having been of any use.
        var failures = 0
        /// Which reset its worker was started after.
        var epoch: UInt64 = 0
        /// Whether its worker is one of those that the pool keeps: a successor counts from when it takes over.
        var isCounted = false
        /// Whether its worker takes the place of one that left as planned.
        var isPlanned = false
        /// The worker that this place's one takes over from when it is ready.
        var replaces: WorkerID?
        /// Whether its worker is to finish its event within ``PoolConfiguration/resetTimeout``.
        var isResetTimed = false
    }

    enum Phase {
        /// Can become `running` or `closing`.
        case starting
        /// Can become `closing`.
        case running
        /// Can become `closed`.
        case closing
        case closed
    }

    var configuration: PoolConfiguration
    private(set) var phase = Phase.starting
    var places: [Place] = []
    /// Places of idle workers for each event loop, the last one freed last: it is the warmest.
    var free: [[Int]]
    var events = CircularBuffer<Entry>()
    private var closes = CircularBuffer<Entry>()
    private var nextTicket: UInt64 = 0
    /// When the timer that was asked for last will fire.
    private(set) var armedFor: NIODeadline?
    private var busyCount = 0
    /// Places whose worker is on its way.
    var startingCount = 0
    /// Places that count: see ``Place/isCounted``.
    var countedPlaces = 0
    /// Workers that are to be replaced, in order; their successors are started a few at a time.
    var replaceQueue = CircularBuffer<WorkerID>()
    /// Successors on their way.
    var replacing = 0
    /// Until when no replacement is asked for, after successors that could not be started, and how many those were in a
    /// row.
    var replaceHold = NIODeadline.uptimeNanoseconds(0)
    var failedSuccessors = 0
    /// Counts the resets.
    var epoch: UInt64 = 0
    /// Workers whose process has been asked for and has not been reaped.
    var processes = 0
    /// Those of them that have left their place as planned.
    var leaving: Set<WorkerID> = []
    /// Those that left it otherwise and that have not been asked to be killed, in the order in which they left.
    var lost = CircularBuffer<WorkerID>()
    /// Starts that wait for room.
    var launchQueue = CircularBuffer<WorkerID>()
    /// Whether only CLOSE is served any more: see ``cutOffRequests(now:)``.
    var isCutOff = false
    /// Whether times are measured; the clock is read for that alone otherwise.
    let isMeasured: Bool
    var measures = PoolMeasures()
    /// Since when there is nobody to serve with.
    var unavailableSince: NIODeadline?
    private var random: any RandomNumberGenerator

    init(
        configuration: PoolConfiguration,
        loopCount: Int,
        isMeasured: Bool = false,
        random: any RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        self.configuration = configuration
        self.free = Array(repeating: [], count: loopCount)
        self.isMeasured = isMeasured
        self.random = random
    }

    /// Requests that wait for a worker.
    var waiting: Int {
        self.events.count + self.closes.count
    }

    /// Requests that a worker has.
    var running: Int {
        self.busyCount
    }

    /// Whether a worker has left its place.
    func isGone(_ id: WorkerID) -> Bool {
        self.state(of: id) == nil
    }

    /// Workers past their handshake.
    var ready: Int {
        self.busyCount + self.free.reduce(0) { $0 + $1.count }
    }
}

// MARK: - Requests

extension PoolStateMachine {
    enum SubmitAction {
        case lease(WorkerID)
        /// The request waits. With a date, ``timerFired(at:now:)`` is to be called then; more workers may be started.
        case wait(armTimer: NIODeadline?, start: [StartAction])
        case refuse(RequestFailure)
    }

    mutating func submit(
        _ request: Request,
        isClose: Bool,
        loopIndex: Int,
        now: () -> NIODeadline
    ) -> SubmitAction {
        guard self.phase == .running || self.phase == .starting, isClose || !self.isCutOff else {
            return .refuse(.poolClosing)
        }
        let limit = self.configuration.maxQueueSize
        if limit > 0, !isClose, self.running + self.waiting >= limit {
            return .refuse(.queueFull)
        }
        var entry = Entry(request: request, isClose: isClose, ticket: self.nextTicket, deadline: .distantFuture)
        self.nextTicket &+= 1
        if let place = self.takeFree(loopIndex: loopIndex) {
            return .lease(self.lease(place, to: entry, now: now))
        }
        if !isClose || self.isMeasured {
            let now = now()
            entry.since = now
            entry.deadline = isClose ? .distantFuture : now + self.configuration.allocateTimeout
        }
        self.enqueue(entry)
        return .wait(armTimer: self.armTimer(), start: self.grow())
    }

    struct Expiry {
        var expired: [Request]
        /// When ``timerFired(at:now:)`` is to be called again.
        var armTimer: NIODeadline?
    }

    /// Takes the requests whose time to wait is over.
    ///
    /// - Parameter deadline: What the timer was armed for; one that an earlier one has taken the place of is ignored.
    mutating func timerFired(at deadline: NIODeadline, now: NIODeadline) -> Expiry {
        guard deadline == self.armedFor else {
            return Expiry(expired: [], armTimer: nil)
        }
        self.armedFor = nil
        var expired: [Request] = []
        while let first = self.events.first, first.deadline <= now {
            let entry = self.events.removeFirst()
            expired.append(entry.request)
            if self.isMeasured {
                self.measures.waits.record(now - entry.since)
            }
        }
        return Expiry(expired: expired, armTimer: self.armTimer())
    }

    private mutating func armTimer() -> NIODeadline? {
        guard let first = self.events.first, first.deadline < self.armedFor ?? .distantFuture else {
            return nil
        }
        self.armedFor = first.deadline
        return first.deadline
    }

    private mutating func enqueue(_ entry: Entry) {
        if entry.isClose {
            self.closes.append(entry)
        } else {
            self.events.append(entry)
        }
    }

    /// Puts a request that a worker had already, and that waits anew, before all that came after it.
    private mutating func enqueueAgain(_ entry: Entry, now: NIODeadline) {
        var entry = entry
        entry.since = now
        guard !entry.isClose else {
            self.closes.insert(entry, at: self.closes.position(ofTicket: entry.ticket))
            return
        }
        let position = self.events.position(ofTicket: entry.ticket)
        // It waits anew. Deadlines stay in the order of the queue, so that the first one is always the next to pass.
        entry.deadline = now + self.configuration.allocateTimeout
        if position < self.events.endIndex {
            entry.deadline = min(entry.deadline, self.events[position].deadline)
        }
        if position > self.events.startIndex {
            entry.deadline = max(entry.deadline, self.events[self.events.index(before: position)].deadline)
        }
        self.events.insert(entry, at: position)
    }

    private mutating func dequeue() -> Entry? {
        switch (self.events.first, self.closes.first) {
        case (nil, nil): nil
        case (.some, nil): self.events.removeFirst()
        case (nil, .some): self.closes.removeFirst()
        case (.some(let event), .some(let close)):
            event.ticket < close.ticket ? self.events.removeFirst() : self.closes.removeFirst()
        }
    }

    private mutating func takeFree(loopIndex: Int) -> Int? {
        if let place = self.free[loopIndex].popLast() {
            return place
        }
        for index in self.free.indices where index != loopIndex {
            if let place = self.free[index].popLast() {
                return place
            }
        }
        return nil
    }

    private mutating func lease(_ place: Int, to entry: Entry, now: () -> NIODeadline) -> WorkerID {
        guard case .idle(var worker) = self.places[place].state else {
            preconditionFailure("a place in the free list is not idle")
        }
        self.stamp(&worker, now)
        if self.isMeasured {
            self.measures.waits.recordZero()
        }
        self.places[place].state = .busy(worker, entry)
        self.busyCount += 1
        return WorkerID(place: place, generation: self.places[place].generation)
    }
}

// MARK: - Leases

extension PoolStateMachine {
    /// What a worker does after its lease ended.
    enum NextAction {
        /// Nothing: it is free, or gone.
        case idle
        /// The same worker serves this request.
        case serve(Request)
        /// It is asked to stop; its place is filled by a new one, and others may start now.
        case replace([StartAction])
    }

    struct AnswerAction {
        var request: Request
        var next: NextAction
        /// The start of its successor, for a worker at its limit: it goes on until that one is ready.
        var successor: StartAction?
    }

    /// A worker answered: its lease ends. `nil` when the worker has no lease (it was given up meanwhile).
    mutating func answered(
        _ id: WorkerID,
        now: () -> NIODeadline = NIODeadline.now
    ) -> AnswerAction? {
        guard case .busy(var worker, let entry) = self.state(of: id) else {
            return nil
        }
        worker.jobs += 1
        self.busyCount -= 1
        let answeredAt = self.isMeasured ? now() : nil
        if let answeredAt {
            self.measures.workerTimes.record(answeredAt - worker.changedAt)
        }
        let isAtLimit = worker.jobLimit > 0 && worker.jobs >= worker.jobLimit
        // In a pool that keeps no workers (`debug`) the limit is exact: each one serves a single event.
        let isDone = worker.isRetiring || (isAtLimit && self.configuration.numWorkers == 0)
        if !isDone, self.phase != .closing {
            let next = self.nextFor(worker, at: id.place, now: { answeredAt ?? now() })
            guard isAtLimit, !worker.isBeingReplaced, (answeredAt ?? now()) >= self.replaceHold else {
                return AnswerAction(request: entry.request, next: next)
            }
            self.askForReplacement(id, .maxJobs)
            return AnswerAction(request: entry.request, next: next, successor: self.startSuccessor())
        }
        // One that is retiring was counted when its successor took over.
        if !worker.isRetiring, self.phase != .closing {
            self.measures.countRestart(.maxJobs)
        }
        let start = self.vacate(id.place, after: .plan)
        return AnswerAction(request: entry.request, next: .replace(start + self.startMore()))
    }

    private mutating func nextFor(_ worker: Worker, at place: Int, now: () -> NIODeadline) -> NextAction {
        var worker = worker
        self.stamp(&worker, now)
        if let entry = self.dequeue() {
            if self.isMeasured {
                self.measures.waits.record(worker.changedAt - entry.since)
            }
            self.places[place].state = .busy(worker, entry)
            self.busyCount += 1
            return .serve(entry.request)
        }
        self.places[place].state = .idle(worker)
        self.free[worker.loopIndex].append(place)
        return .idle
    }

    /// What becomes of a request whose worker did not serve it.
    enum RetryAction {
        case lease(WorkerID, Request)
        /// It waits again; more workers may be started.
        case wait(armTimer: NIODeadline?, start: [StartAction])
        case fail(Request, RequestFailure)
    }

    struct RefusalAction {
        var retry: RetryAction
        /// The start of the worker's successor, and of others that may start now.
        var start: [StartAction]
    }

    /// A worker answered `{"stop":true}`: it is to be stopped and its request tried on another one, a few times.
    mutating func refused(_ id: WorkerID, now: NIODeadline) -> RefusalAction? {
        guard case .busy(let worker, var entry) = self.state(of: id) else {
            return nil
        }
        self.busyCount -= 1
        entry.refusals += 1
        if !worker.isRetiring, self.phase != .closing {
            self.measures.countRestart(.requested)
        }
        let start = self.vacate(id.place, after: .plan)
        guard entry.refusals < self.configuration.maxAttempts else {
            let failure = RequestFailure.refusedByWorkers(attempts: Int(entry.refusals))
            return RefusalAction(retry: .fail(entry.request, failure), start: start + self.startMore())
        }
        let retry = self.retry(entry, loopIndex: worker.loopIndex, now: now)
        return RefusalAction(retry: retry, start: start + self.startMore())
    }

    private mutating func retry(_ entry: Entry, loopIndex: Int, now: NIODeadline) -> RetryAction {
        if self.phase == .closing {
            return .fail(entry.request, .poolClosing)
        }
        if let place = self.takeFree(loopIndex: loopIndex) {
            return .lease(self.lease(place, to: entry, now: { now }), entry.request)
        }
        self.enqueueAgain(entry, now: now)
        return .wait(armTimer: self.armTimer(), start: self.grow())
    }
}

// MARK: - Workers

extension PoolStateMachine {
    /// A process to start in a place.
    struct StartAction: Hashable {
        var id: WorkerID
        /// How long to wait before.
        var delay: TimeAmount
    }

    enum Cause {
        /// The worker left as planned.
        case plan
        /// It ended by itself or was given up; it was useful if it did a job or lived for long.
        case failure(wasUseful: Bool)
    }

    func state(of id: WorkerID) -> PlaceState? {
        guard self.places.indices.contains(id.place), self.places[id.place].generation == id.generation else {
            return nil
        }
        return self.places[id.place].state
    }

    /// Starts the pool: every worker at once.
    mutating func start() -> [StartAction] {
        guard self.phase == .starting else {
            return []
        }
        let actions = (0..<self.configuration.numWorkers).map { _ in self.occupy() }
        self.runIfReady()
        return actions
    }

    /// Whether the pool's start is complete with this.
    @discardableResult
    private mutating func runIfReady() -> Bool {
        guard self.phase == .starting, self.ready >= self.configuration.numWorkers else {
            return false
        }
        self.phase = .running
        return true
    }

    /// Puts a new worker into a vacant place. One whose last workers have failed waits before it has another.
    mutating func occupy() -> StartAction {
        let place = self.vacantPlace()
        return self.startWorker(in: place, isCounted: true, delay: self.backoff(of: place))
    }

    /// Puts a worker's successor into a vacant place.
    ///
    /// - Parameter delay: How long it waits after other successors that have failed.
    mutating func occupy(replacing old: WorkerID, delay: TimeAmount) -> StartAction {
        let place = self.vacantPlace()
        self.places[place].failures = 0
        self.places[place].replaces = old
        self.replacing += 1
        return self.startWorker(in: place, isCounted: false, delay: delay)
    }

    private mutating func vacantPlace() -> Int {
        let vacant = self.places.firstIndex { if case .vacant = $0.state { true } else { false } }
        let place = vacant ?? self.places.endIndex
        if vacant == nil {
            self.places.append(Place())
        }
        return place
    }

    private mutating func startWorker(in place: Int, isCounted: Bool, delay: TimeAmount) -> StartAction {
        self.places[place].generation += 1
        self.places[place].state = .backingOff
        self.places[place].isCounted = isCounted
        self.places[place].isPlanned = false
        self.places[place].isResetTimed = false
        self.places[place].epoch = self.epoch
        self.countedPlaces += isCounted ? 1 : 0
        self.startingCount += 1
        return StartAction(id: WorkerID(place: place, generation: self.places[place].generation), delay: delay)
    }

    enum ReadyAction {
        case idle
        case serve(Request)
        /// It came too late: it is to be stopped.
        case stop
    }

    struct ReadyResult {
        var action: ReadyAction
        /// Whether this one completed the pool's start.
        var poolIsReady = false
        /// The worker that this one replaces, when it is idle; a busy one stops after its answer.
        var stop: WorkerID?
        /// A busy one that a reset replaces: ``resetTimedOut(_:now:)`` is to be called after
        /// ``PoolConfiguration/resetTimeout``.
        var resetTimed: WorkerID?
        /// Workers that may be started now.
        var start: [StartAction] = []
    }

    /// A worker has answered its handshake.
    mutating func ready(_ id: WorkerID, loopIndex: Int, now: NIODeadline) -> ReadyResult {
        guard case .starting = self.state(of: id) else {
            return ReadyResult(action: .stop)
        }
        self.startingCount -= 1
        let limit = self.configuration.maxJobs
        let most = limit / 100 * 14 + limit % 100 * 14 / 100
        let jitter = limit > 0 ? Int.random(in: 0...most, using: &self.random) : 0
        let worker = Worker(
            loopIndex: loopIndex,
            readySince: now,
            changedAt: now,
            jobLimit: limit.addingReportingOverflow(jitter).overflow ? limit : limit + jitter,
            epoch: self.places[id.place].epoch
        )
        let old = self.takeOver(id)
        let action: ReadyAction
        switch self.nextFor(worker, at: id.place, now: { now }) {
        case .serve(let request): action = .serve(request)
        case .idle, .replace: action = .idle
        }
        if worker.epoch < self.epoch {
            self.askForReplacement(id, .reset)
        }
        self.noteAvailability(now: now)
        let poolIsReady = self.runIfReady()
        return ReadyResult(
            action: action,
            poolIsReady: poolIsReady,
            stop: old.idle,
            resetTimed: old.resetTimed,
            // What waits may need more than were started at once.
            start: self.startMore()
        )
    }

    struct FailureAction {
        /// What becomes of the request that the worker had.
        var request: RetryAction?
        /// The start of the worker's successor.
        var start: StartAction?
        /// The start of others, which it kept from being started.
        var more: [StartAction] = []
        /// The pool never became ready: its start has failed.
        var startFailed = false
        /// It was to replace this worker, which goes on instead.
        var goesOn: WorkerID?
        /// Workers that are not to be replaced any more, after too many successors that failed.
        var givenUp = 0
    }

    /// A worker cannot be used any more: it never started, ended, or wrote what is no answer.
    ///
    /// - Parameter requestWritten: Whether it may have seen the request that it has. When not, another one gets it.
    mutating func failed(
        _ id: WorkerID,
        _ failure: WorkerFailure,
        requestWritten: Bool,
        now: NIODeadline
    ) -> FailureAction {
        defer { self.noteAvailability(now: now) }
        guard var action = self.giveUp(id, failure, requestWritten: requestWritten, now: now) else {
            return FailureAction()
        }
        action.more = self.startMore()
        return action
    }

    /// Takes a worker that has failed out of its place; others are not started for it yet.
    ///
    /// - Returns: `nil` when it was stopped or given up already.
    mutating func giveUp(
        _ id: WorkerID,
        _ failure: WorkerFailure,
        requestWritten: Bool,
        now: NIODeadline
    ) -> FailureAction? {
        var action = FailureAction()
        self.countFailure(of: id, failure)
        switch self.state(of: id) {
        case .none, .vacant, .backingOff:
            return nil
        case .starting:
            action.startFailed = self.phase == .starting
            if let replacement = self.successorFailed(id, now: now) {
                action.goesOn = replacement.goesOn
                action.givenUp = replacement.givenUp
            }
            action.start = self.vacate(id.place, after: .failure(wasUseful: false)).first
        case .idle(let worker):
            self.free[worker.loopIndex].removeAll { $0 == id.place }
            action.start = self.vacate(id.place, after: .failure(wasUseful: self.wasUseful(worker, now: now))).first
        case .busy(let worker, var entry):
            self.busyCount -= 1
            action.start = self.vacate(id.place, after: .failure(wasUseful: self.wasUseful(worker, now: now))).first
            entry.losses += 1
            action.request =
                requestWritten || entry.losses > self.mostLosses
                ? .fail(entry.request, .workerGone(failure))
                : self.retry(entry, loopIndex: worker.loopIndex, now: now)
        }
        return action
    }

    /// How many workers may end before they have read a request; after one more the request fails. It cannot be why they
    /// end, but it must not be passed on for ever where every worker ends at once. All workers that the pool keeps may be
    /// killed together, and then all of their successors; of those that are started on demand (up to 500 in `debug`) a few
    /// are enough.
    private var mostLosses: Int {
        let onDemand = min(self.configuration.allocator?.maxWorkers ?? 0, 8)
        return self.configuration.maxAttempts + 2 * (self.configuration.numWorkers + onDemand)
    }

    private mutating func countFailure(of id: WorkerID, _ failure: WorkerFailure) {
        guard self.phase != .closing else {
            return
        }
        switch self.state(of: id) {
        case .none, .vacant, .backingOff:
            break
        case .starting:
            self.measures.countRestart(RestartReason(failure.code))
        case .idle(let worker), .busy(let worker, _):
            if !worker.isRetiring {
                self.measures.countRestart(RestartReason(failure.code))
            }
        }
    }

    private func wasUseful(_ worker: Worker, now: NIODeadline) -> Bool {
        worker.jobs > 0 || now - worker.readySince >= self.configuration.backoff.healthyAfter
    }

    /// Frees a place and decides when its next worker starts, if there is to be one.
    @discardableResult
    mutating func vacate(_ place: Int, after cause: Cause) -> [StartAction] {
        let id = WorkerID(place: place, generation: self.places[place].generation)
        switch self.places[place].state {
        case .vacant: return []
        case .backingOff, .starting: self.startingCount -= 1
        case .idle, .busy: break
        }
        self.noteLeave(id, self.places[place].state, cause)
        let wasCounted = self.places[place].isCounted
        self.places[place].generation += 1
        self.places[place].state = .vacant
        self.places[place].isCounted = false
        self.countedPlaces -= wasCounted ? 1 : 0
        // Counted even when nobody follows at once: the place may be filled again on demand.
        switch cause {
        case .plan, .failure(wasUseful: true): self.places[place].failures = 0
        case .failure(wasUseful: false): self.places[place].failures += 1
        }
        guard self.phase == .starting || self.phase == .running, wasCounted, !self.successorTakesOver(from: id),
            !self.isCutOff || self.ready + self.startingCount == 0,
            self.countedPlaces < self.configuration.numWorkers || self.wantsMoreWorkers > 0
        else {
            return []
        }
        let start = self.startWorker(in: place, isCounted: true, delay: self.backoff(of: place))
        if case .plan = cause {
            self.places[place].isPlanned = true
        }
        return [start]
    }

    /// How long a place stays empty: the first failure in a row is mended at once, as any other end.
    private mutating func backoff(of place: Int) -> TimeAmount {
        self.backoff(failures: self.places[place].failures - 1)
    }

    mutating func backoff(failures: Int) -> TimeAmount {
        guard failures > 0 else {
            return .zero
        }
        let backoff = self.configuration.backoff
        let doubled = backoff.shortest.nanoseconds << Int64(min(failures - 1, 16))
        let wait = min(max(doubled, backoff.shortest.nanoseconds), backoff.longest.nanoseconds)
        return .nanoseconds(Int64.random(in: (wait / 2)...wait, using: &self.random))
    }
}

// MARK: - End

extension PoolStateMachine {
    struct CloseAction {
        /// Waiting requests, refused.
        var refused: [Request]
        /// Idle workers to stop now; busy ones are stopped after their answer.
        var stop: [WorkerID]
        /// Workers that have not answered their handshake, to kill.
        var kill: [WorkerID]
        var isClosed: Bool
    }

    /// Begins the end: nothing is accepted, what waits is refused, workers stop as they become free.
    mutating func close() -> CloseAction {
        guard self.phase == .starting || self.phase == .running else {
            return CloseAction(refused: [], stop: [], kill: [], isClosed: self.phase == .closed)
        }
        self.phase = .closing
        var action = CloseAction(refused: [], stop: [], kill: [], isClosed: false)
        while let entry = self.dequeue() {
            action.refused.append(entry.request)
        }
        for place in self.places.indices {
            let id = WorkerID(place: place, generation: self.places[place].generation)
            switch self.places[place].state {
            case .vacant, .busy:
                break
            case .backingOff:
                self.vacate(place, after: .plan)
            case .starting:
                action.kill.append(id)
                self.vacate(place, after: .plan)
            case .idle(let worker):
                self.free[worker.loopIndex].removeAll { $0 == place }
                action.stop.append(id)
                self.vacate(place, after: .plan)
            }
        }
        action.isClosed = self.closeIfDone()
        return action
    }

    mutating func closeIfDone() -> Bool {
        guard self.phase == .closing, self.processes == 0 else {
            return false
        }
        self.phase = .closed
        return true
    }
}

extension CircularBuffer {
    /// Where an entry belongs in a queue that is in the order of tickets; near the front, since it is an old one.
    fileprivate func position<Request>(ofTicket ticket: UInt64) -> Index
    where Element == PoolStateMachine<Request>.Entry {
        self.firstIndex { $0.ticket > ticket } ?? self.endIndex
    }

    fileprivate mutating func insert(_ element: Element, at position: Index) {
        self.replaceSubrange(position..<position, with: CollectionOfOne(element))
    }
}
