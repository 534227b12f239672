import NIOCore
import Synchronization

@testable import WorkerPool

/// A worker without a process: it lives on one event loop and handles each request as instructed.
final class FakeWorker: WorkerHandle, @unchecked Sendable {
    /// The worker's behaviour for a request.
    enum Behavior {
        /// Answers `WRITE` and the request's body.
        case answer
        case answerWithError
        /// Answers, and is given up with what it wrote behind that.
        case answerAndBreak
        /// Answers `{"stop":true}`, and handles none of the requests behind it.
        case refuse
        /// Answers `{"stop":true}`, and goes on with the requests behind it.
        case refuseOnly
        case die(requestWritten: Bool)
        /// Ends when it has begun so many of its requests.
        case dieAmid(begun: Int)
        /// Never answers.
        case hang
    }

    let id: WorkerID
    let loopIndex: Int
    let processID: Int32? = nil
    let residentMemory: Int? = nil
    /// Succeeds when it has ended.
    let end: EventLoopPromise<Void>
    private let loop: any EventLoop
    private let events: any WorkerEvents
    private let pipelines: Bool
    private let behavior: @Sendable (FakeRequest) -> Behavior
    /// Requests that it was given and has not looked at.
    private let inbox = Mutex<[any PoolRequest]>([])
    // Confined to the loop.
    private var hasEnded = false
    private var hasRefused = false
    private var isReacting = false
    private var requests: [any PoolRequest] = []
    private(set) var violations = 0
    /// Requests that it had at once.
    private(set) var deepest = 0

    init(
        _ id: WorkerID,
        loop: any EventLoop,
        loopIndex: Int,
        events: any WorkerEvents,
        pipelines: Bool = false,
        behavior: @escaping @Sendable (FakeRequest) -> Behavior
    ) {
        self.id = id
        self.loop = loop
        self.loopIndex = loopIndex
        self.events = events
        self.pipelines = pipelines
        self.behavior = behavior
        self.end = loop.makePromise()
    }

    /// Answers the handshake.
    func becomeReady() {
        self.loop.execute {
            guard !self.hasEnded else {
                return
            }
            self.events.workerReady(self.id, self)
            if self.pipelines {
                self.loop.execute { self.events.workerPipelines(self.id) }
            }
        }
    }

    func enqueue(_ request: any PoolRequest) {
        self.inbox.withLock { $0.append(request) }
    }

    func serve() {
        self.loop.execute {
            self.takeRequests()
            self.reactLater()
        }
    }

    private func takeRequests() {
        let new = self.inbox.withLock { inbox in
            defer { inbox.removeAll() }
            return inbox
        }
        self.requests += new
        self.deepest = max(self.deepest, self.requests.count)
        self.violations += !self.pipelines && self.requests.count > 1 ? 1 : 0
    }

    /// In a later turn of the loop, so that other events come in between.
    private func reactLater() {
        guard !self.hasEnded, !self.isReacting, !self.requests.isEmpty else {
            return
        }
        self.isReacting = true
        self.loop.execute { self.react() }
    }

    /// Answers several requests at once; anything else it does with one at a time.
    private func react() {
        self.isReacting = false
        var answers: [WorkerAnswer] = []
        while !self.hasEnded, let request = self.requests.first as? FakeRequest {
            let answer = WorkerAnswer.reply(context: ByteBuffer(string: "WRITE"), body: request.body)
            let behavior = self.behavior(request)
            switch behavior {
            case .answer: answers.append(answer)
            case .answerWithError: answers.append(.error(message: ByteBuffer(string: "boom")))
            case .answerAndBreak: answers.append(answer)
            default:
                self.tell(&answers)
                self.act(behavior)
                return self.reactLater()
            }
            self.requests.removeFirst()
            if case .answerAndBreak = behavior {
                self.tell(&answers)
                return self.finish(WorkerFailure(.protocolError, "more"), begun: 0)
            }
        }
        self.tell(&answers)
        self.reactLater()
    }

    private func tell(_ answers: inout [WorkerAnswer]) {
        if !answers.isEmpty {
            self.events.workerAnswered(self.id, &answers)
        }
    }

    private func act(_ behavior: Behavior) {
        switch behavior {
        case .answer, .answerWithError, .answerAndBreak:
            break
        case .refuse:
            self.hasRefused = true
            self.events.workerRefused(self.id, isLast: true)
            // It is given nothing from now on.
            self.takeRequests()
            self.requests = []
        case .refuseOnly:
            self.hasRefused = true
            self.requests.removeFirst()
            self.events.workerRefused(self.id, isLast: false)
        case .die(let requestWritten):
            self.finish(WorkerFailure(.exit, "gone"), begun: requestWritten ? 1 : 0)
        case .dieAmid(let begun):
            self.finish(WorkerFailure(.exit, "gone"), begun: min(begun, self.requests.count))
        case .hang:
            self.isReacting = true
        }
    }

    func stop(timeout: TimeAmount) {
        self.loop.execute {
            self.takeRequests()
            guard self.requests.isEmpty || !self.hasRefused else {
                // It ends once it has answered its requests: it is then asked again.
                return
            }
            self.violations += self.requests.isEmpty || self.hasEnded ? 0 : 1
            self.finish(nil)
        }
    }

    func kill() {
        self.loop.execute {
            let begun = self.requests.isEmpty ? 0 : 1
            self.takeRequests()
            self.finish(self.requests.isEmpty ? nil : WorkerFailure(.exit, "killed"), begun: begun)
        }
    }

    /// - Parameter failure: Told to the pool before the process is gone.
    private func finish(_ failure: WorkerFailure?, begun: Int = 0) {
        guard !self.hasEnded else {
            return
        }
        self.hasEnded = true
        self.requests = []
        if let failure {
            self.events.workerFailed(self.id, failure, begun: begun)
        }
        self.end.succeed()
    }
}

/// Starts ``FakeWorker``s.
final class FakeLauncher: WorkerLauncher {
    enum Start {
        case ready
        /// It says why it cannot start.
        case fail
        /// It never answers its handshake.
        case hang
    }

    struct State {
        var workers: [WorkerID: FakeWorker] = [:]
        var started: [WorkerID] = []
        var violations = 0
        var deepest = 0
    }

    let state = Mutex(State())
    private let loops: [any EventLoop]
    private let pipelines: Bool
    private let start: @Sendable (WorkerID) -> Start
    private let behavior: @Sendable (FakeRequest) -> FakeWorker.Behavior

    init(
        loops: [any EventLoop],
        pipelines: Bool = false,
        behavior: @escaping @Sendable (FakeRequest) -> FakeWorker.Behavior = { _ in .answer },
        start: @escaping @Sendable (WorkerID) -> Start = { _ in .ready }
    ) {
        self.loops = loops
        self.pipelines = pipelines
        self.start = start
        self.behavior = behavior
    }

    /// Workers that have not ended.
    var alive: Int {
        self.state.withLock { $0.workers.count }
    }

    func run(_ id: WorkerID, slot: Int, events: any WorkerEvents) async {
        let index = id.place % self.loops.count
        let loop = self.loops[index]
        let worker = FakeWorker(
            id,
            loop: loop,
            loopIndex: index,
            events: events,
            pipelines: self.pipelines,
            behavior: self.behavior
        )
        self.state.withLock { state in
            state.workers[id] = worker
            state.started.append(id)
        }
        switch self.start(id) {
        case .fail:
            worker.end.succeed()
            events.workerFailed(id, WorkerFailure(.start, "no such file"), begun: 0)
        case .ready:
            events.workerStarted(id, worker)
            worker.becomeReady()
        case .hang:
            events.workerStarted(id, worker)
        }
        await withTaskCancellationHandler {
            try? await worker.end.futureResult.get()
        } onCancel: {
            worker.kill()
        }
        let end = try? await loop.submit { (worker.violations, worker.deepest) }.get()
        self.state.withLock { state in
            state.workers[id] = nil
            state.violations += end?.0 ?? 1
            state.deepest = max(state.deepest, end?.1 ?? 0)
        }
    }
}

/// A request that remembers how it ended, and how many times.
final class FakeRequest: PoolRequest {
    let isLast: Bool
    let loopIndex: Int
    let body: ByteBuffer
    private let count = Atomic(0)
    private let promise: EventLoopPromise<RequestOutcome>

    init(isLast: Bool = false, body: String = "", loopIndex: Int = 0, loop: any EventLoop) {
        self.isLast = isLast
        self.loopIndex = loopIndex
        self.body = ByteBuffer(string: body)
        self.promise = loop.makePromise()
    }

    var finishedCount: Int {
        self.count.load(ordering: .sequentiallyConsistent)
    }

    /// How it ended, once it has.
    var outcome: RequestOutcome {
        get async {
            await withCheckedContinuation { continuation in
                self.promise.futureResult.whenSuccess { continuation.resume(returning: $0) }
            }
        }
    }

    var size: Int {
        self.body.readableBytes
    }

    func write(into frame: inout ByteBuffer, for worker: WorkerID) -> ByteBuffer? {
        frame.writeImmutableBuffer(self.body)
        return nil
    }

    func finished(_ outcome: RequestOutcome) {
        self.count.add(1, ordering: .sequentiallyConsistent)
        self.promise.succeed(outcome)
    }
}

extension RequestOutcome {
    var body: String? {
        if case .answered(.reply(_, let body)) = self { String(buffer: body) } else { nil }
    }

    var failure: RequestFailure? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}

extension WorkerPool {
    /// Workers past their handshake, free or busy.
    var readyWorkers: Int {
        self.state.withLock { $0.machine.ready }
    }
}
