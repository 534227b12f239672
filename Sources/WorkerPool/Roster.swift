import NIOCore

/// The places of a pool, the workers in them, and which of these are free.
///
/// A *place* is held by one worker after the other; a worker that is asked to stop leaves its place at once, so that its
/// successor starts while it ends. A *lease* is a worker's hold on one request; it ends exactly once: answered, given
/// back unbegun, or failed.
struct Roster<Request, Handle> {
    typealias Entry = PoolEntry<Request>

    enum Lease {
        case open(Entry)
        /// The request was failed although the worker may still answer it: its answer is dropped.
        case over
    }

    /// The fate of a worker that has done its handshake.
    enum Fate: Hashable {
        /// Can become any other.
        case staying
        /// Its successor is requested or starting, or could not be started for now. Can become any other.
        case replaced(RestartReason)
        /// It gets no more requests and leaves once it has answered those that it has. Can become `retiringInTime` or
        /// `killed`.
        case retiring
        /// The same, and a reset limits its time. Can become `killed`.
        case retiringInTime
        /// It is being killed: the requests after the one that it was killed for wait for its end, which tells whether
        /// it has begun them. Final.
        case killed(WorkerFailure.Code)

        /// Whether it gets no more requests.
        var leaves: Bool {
            switch self {
            case .staying, .replaced: false
            case .retiring, .retiringInTime, .killed: true
            }
        }

        var isRetiring: Bool {
            self == .retiring || self == .retiringInTime
        }
    }

    struct Worker {
        let handle: Handle
        let loopIndex: Int
        let readySince: NIODeadline
        /// Events after which it is replaced, including its jitter; 0 means never.
        let jobLimit: Int
        /// The number of resets before its start.
        let epoch: UInt64
        var fate = Fate.staying
        /// Requests it has answered.
        var jobs = 0
        /// The time at which its first request became the first, or it became idle.
        var changedAt: NIODeadline
        /// Whether it may be given requests while it has another one.
        var pipelines = false
        var leases = CircularBuffer<Lease>()
    }

    /// The reason why a place has no ready worker.
    enum Absence: Hashable {
        /// The place has no worker. Can become `backingOff`; final once the pool is closing.
        case vacant
        /// A successor will be started when its wait is over and there is room for its process. Can become `starting` or
        /// `vacant`.
        case backingOff
        /// A process is on its way to its handshake. Can become a worker, or `vacant`.
        case starting(epoch: UInt64)
    }

    enum State {
        case absent(Absence)
        /// In the free list of its loop when it has no lease. Can become `absent`.
        case ready(Worker)
    }

    /// Whether the worker of a place is one of those that the pool keeps.
    enum Standing: Hashable {
        /// The worker is surplus, or its successor counts instead.
        case uncounted
        case counted
        /// It counts, and takes the place of one that left as planned.
        case planned
        /// It counts once it takes over from this worker.
        case successor(of: WorkerID)

        var isCounted: Bool {
            self == .counted || self == .planned
        }
    }

    struct Place {
        fileprivate(set) var generation: UInt64 = 0
        /// The number of its worker, which a successor takes over, from wherever it comes.
        fileprivate(set) var slot = 0
        /// Stored apart from the absence of a worker, so that it can be changed in place.
        fileprivate(set) var worker: Worker?
        fileprivate var absence = Absence.vacant
        fileprivate(set) var standing = Standing.uncounted
        /// Consecutive workers that ended without having been useful.
        fileprivate(set) var failures = 0

        var state: State {
            self.worker.map { .ready($0) } ?? .absent(self.absence)
        }

        /// Whether its worker leaves as planned when it has answered what it has: also one that is killed meanwhile, if
        /// another one counts for it.
        var isRetiring: Bool {
            guard let fate = self.worker?.fate else {
                return false
            }
            return fate.isRetiring || (fate.leaves && !self.standing.isCounted)
        }
    }

    private(set) var places: [Place] = []
    /// Places of idle workers for each event loop. The most recently freed one is last: its worker is the warmest.
    private(set) var free: [[Int]]
    /// Places whose worker is starting.
    private(set) var starting = 0
    /// Workers past their handshake.
    private(set) var ready = 0
    /// Places that count, see ``Standing``.
    private(set) var counted = 0
    /// Requests that workers have.
    private(set) var leases = 0
    /// Where the search for a worker with room begins.
    private var rotation = 0

    init(loopCount: Int) {
        self.free = Array(repeating: [], count: loopCount)
    }

    // MARK: Queries

    func id(ofPlace place: Int) -> WorkerID {
        WorkerID(place: place, generation: self.places[place].generation)
    }

    /// `nil` when the worker has left its place.
    func state(of id: WorkerID) -> State? {
        guard self.places.indices.contains(id.place), self.places[id.place].generation == id.generation else {
            return nil
        }
        return self.places[id.place].state
    }

    func holds(_ id: WorkerID) -> Bool {
        self.places.indices.contains(id.place) && self.places[id.place].generation == id.generation
    }

    /// Whether a worker has a request.
    func isBusy(_ id: WorkerID) -> Bool {
        self.holds(id) && self.places[id.place].worker?.leases.isEmpty == false
    }

    /// Whether a worker may be given requests.
    func takesRequests(_ id: WorkerID) -> Bool {
        self.holds(id) && self.places[id.place].worker?.fate.leaves == false
    }

    func worker(of id: WorkerID) -> Worker? {
        self.holds(id) ? self.places[id.place].worker : nil
    }

    func place(ofSuccessorOf id: WorkerID) -> Int? {
        self.places.firstIndex { $0.standing == .successor(of: id) }
    }

    /// Workers that are on their planned way out, see ``Place/isRetiring``.
    var retiring: Int {
        self.places.count { $0.isRetiring }
    }

    // MARK: Serving

    /// Takes an idle worker, preferably of this loop.
    mutating func takeFree(loopIndex: Int) -> Int? {
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

    /// Whether a worker is idle.
    var hasFree: Bool {
        self.free.contains { !$0.isEmpty }
    }

    /// Takes this worker if it is idle.
    mutating func takeFree(place: Int) -> Bool {
        guard let loopIndex = self.places[place].worker?.loopIndex,
            let index = self.free[loopIndex].lastIndex(of: place)
        else {
            return false
        }
        self.free[loopIndex].remove(at: index)
        return true
    }

    /// The worker that requests with a key go to: of all that take requests, the one whose slot has the highest weight
    /// for the key. Another worker more, or less, changes that only for keys that go to it.
    func preferredPlace(_ key: UInt64) -> Int? {
        var best: (place: Int, weight: UInt64)?
        for place in self.places.indices where self.places[place].worker?.fate.leaves == false {
            let weight = Affinity.weight(key, ofSlot: self.places[place].slot)
            if weight >= best?.weight ?? 0 {
                best = (place, weight)
            }
        }
        return best?.place
    }

    /// A busy worker with fewer requests than `depth`: the one with the fewest of the next eight.
    mutating func findRoom(depth: Int) -> Int? {
        guard depth > 1, !self.places.isEmpty else {
            return nil
        }
        var best: (place: Int, leases: Int)?
        var seen = 0
        for offset in 0..<self.places.count where seen < 8 {
            let place = (self.rotation + offset) % self.places.count
            guard self.places[place].worker?.pipelines == true, self.places[place].worker?.fate.leaves == false else {
                continue
            }
            seen += 1
            let leases = self.places[place].worker?.leases.count ?? depth
            if leases < min(depth, best?.leases ?? .max) {
                best = (place, leases)
            }
        }
        if let best {
            self.rotation = best.place + 1
        }
        return best?.place
    }

    /// Gives a request to the ready worker of a place.
    mutating func lease(_ place: Int, to entry: Entry, now: NIODeadline) -> (handle: Handle, isFirst: Bool) {
        self.leases += 1
        return self.withWorker(place) { worker in
            let isFirst = worker.leases.isEmpty
            if isFirst {
                worker.changedAt = now
            }
            worker.leases.append(.open(entry))
            return (worker.handle, isFirst)
        }
    }

    /// Ends the first lease of a worker.
    ///
    /// - Returns: `nil` if the worker is gone or has none.
    mutating func endLease(_ id: WorkerID) -> Lease? {
        guard self.holds(id) else {
            return nil
        }
        // Changed in place: to look at a worker would copy it.
        let lease = self.places[id.place].worker?.leases.popFirst()
        if case .open = lease {
            self.leases -= 1
        }
        return lease
    }

    /// Fails the first request of a worker that keeps the others.
    mutating func settleFirst(_ place: Int) {
        self.leases -= 1
        self.withWorker(place) { $0.leases[$0.leases.startIndex] = .over }
    }

    /// Changes a ready worker in place.
    mutating func withWorker<Result>(_ place: Int, _ body: (inout Worker) -> Result) -> Result {
        body(&self.places[place].worker!)
    }

    /// Puts a worker without a lease into the free list.
    mutating func free(_ place: Int) {
        self.free[self.withWorker(place) { $0.loopIndex }].append(place)
    }

    /// The times of the requests that workers serve now count from now on.
    mutating func restartTimes(_ now: NIODeadline) {
        for place in self.places.indices where self.places[place].worker?.leases.isEmpty == false {
            self.places[place].worker?.changedAt = now
        }
    }

    // MARK: Coming and going

    /// A place for a new worker.
    mutating func vacantPlace() -> Int {
        let vacant = self.places.firstIndex { $0.worker == nil && $0.absence == .vacant }
        if let vacant {
            return vacant
        }
        self.places.append(Place())
        return self.places.endIndex - 1
    }

    mutating func occupy(_ place: Int, as standing: Standing) -> WorkerID {
        if case .successor(let old) = standing {
            self.places[place].slot = self.places[old.place].slot
        } else {
            self.places[place].slot = self.vacantSlot(for: place)
        }
        self.places[place].generation += 1
        self.places[place].absence = .backingOff
        self.places[place].standing = standing
        self.counted += standing.isCounted ? 1 : 0
        self.starting += 1
        return self.id(ofPlace: place)
    }

    /// The number that a place had before, or else the lowest that is nobody's. The worker that another one counts for
    /// has lost its number to it.
    private func vacantSlot(for place: Int) -> Int {
        let taken = Set(self.places.lazy.filter { $0.standing != .uncounted }.map(\.slot))
        let last = self.places[place].slot
        if self.places[place].generation > 0, !taken.contains(last) {
            return last
        }
        return (0...taken.count).first { !taken.contains($0) } ?? taken.count
    }

    /// Whether a worker with this number takes requests.
    func serves(slot: Int) -> Bool {
        self.places.contains { $0.slot == slot && $0.worker?.fate.leaves == false }
    }

    mutating func launched(_ place: Int, epoch: UInt64) {
        self.places[place].absence = .starting(epoch: epoch)
    }

    mutating func becameReady(_ place: Int, _ worker: Worker) {
        self.starting -= 1
        self.ready += 1
        self.places[place].worker = worker
    }

    mutating func setStanding(_ place: Int, _ standing: Standing) {
        self.counted += (standing.isCounted ? 1 : 0) - (self.places[place].standing.isCounted ? 1 : 0)
        self.places[place].standing = standing
    }

    mutating func setFailures(_ place: Int, _ failures: Int) {
        self.places[place].failures = failures
    }

    /// Frees a place. The caller must end its worker's leases.
    mutating func vacate(_ place: Int) {
        switch self.places[place].state {
        case .absent(.vacant):
            return
        case .absent(.backingOff), .absent(.starting):
            self.starting -= 1
        case .ready(let worker):
            self.ready -= 1
            self.leases -= worker.leases.count { if case .open = $0 { true } else { false } }
            if worker.leases.isEmpty {
                self.free[worker.loopIndex].removeAll { $0 == place }
            }
        }
        self.setStanding(place, .uncounted)
        self.places[place].generation += 1
        self.places[place].worker = nil
        self.places[place].absence = .vacant
    }

    /// Changes the fate of a worker, if it is ready.
    mutating func decide(_ id: WorkerID, _ change: (Fate) -> Fate?) -> Bool {
        guard let worker = self.worker(of: id), let fate = change(worker.fate) else {
            return false
        }
        self.withWorker(id.place) { $0.fate = fate }
        return true
    }
}
