import NIOCore
import Synchronization
import WorkerPool

/// A worker without a process: it lives on one event loop and does with each request what it is told to.
final class FakeWorker: WorkerHandle, @unchecked Sendable {
    /// What a worker does with a request.
    enum Behavior {
        /// Answers `WRITE` and the request's body.
        case answer
        case answerWithError
        /// Answers, and is given up with what it wrote behind that.
        case answerAndBreak
        /// Answers `{"stop":true}`.
        case refuse
        case die(requestWritten: Bool)
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
    private let behavior: @Sendable (FakeRequest) -> Behavior
    // Confined to the loop.
    private var hasEnded = false
    private var current: (any PoolRequest)?
    private(set) var violations = 0

    init(
        _ id: WorkerID,
        loop: any EventLoop,
        loopIndex: Int,
        events: any WorkerEvents,
        behavior: @escaping @Sendable (FakeRequest) -> Behavior
    ) {
        self.id = id
        self.loop = loop
        self.loopIndex = loopIndex
        self.events = events
        self.behavior = behavior
        self.end = loop.makePromise()
    }

    /// Answers the handshake.
    func becomeReady() {
        self.loop.execute {
            if !self.hasEnded {
                self.events.workerReady(self.id, self)
            }
        }
    }

    func serve(_ request: any PoolRequest) {
        self.loop.execute {
            guard !self.hasEnded else {
                return
            }
            self.violations += self.current == nil ? 0 : 1
            self.current = request
            // In a later turn of the loop, so that other events come in between.
            self.loop.execute { self.react() }
        }
    }

    private func react() {
        guard !self.hasEnded, let request = self.current as? FakeRequest else {
            return
        }
        let answer = WorkerAnswer.reply(context: ByteBuffer(string: "WRITE"), body: request.body)
        switch self.behavior(request) {
        case .answer:
            self.current = nil
            self.events.workerAnswered(self.id, [answer])
        case .answerWithError:
            self.current = nil
            self.events.workerAnswered(self.id, [.error(message: ByteBuffer(string: "boom"))])
        case .answerAndBreak:
            self.current = nil
            self.events.workerAnswered(self.id, [answer])
            self.finish()
            self.events.workerFailed(self.id, WorkerFailure(.protocolError, "more"), begun: 0)
        case .refuse:
            self.current = nil
            self.events.workerRefused(self.id, isLast: false)
        case .die(let requestWritten):
            self.finish()
            self.events.workerFailed(self.id, WorkerFailure(.exit, "gone"), begun: requestWritten ? 1 : 0)
        case .hang:
            break
        }
    }

    func stop(timeout: TimeAmount) {
        self.loop.execute {
            self.violations += self.current == nil ? 0 : 1
            self.finish()
        }
    }

    func kill() {
        self.loop.execute {
            let isBusy = self.current != nil
            if self.finish(), isBusy {
                self.events.workerFailed(self.id, WorkerFailure(.exit, "killed"), begun: 1)
            }
        }
    }

    @discardableResult
    private func finish() -> Bool {
        guard !self.hasEnded else {
            return false
        }
        self.hasEnded = true
        self.current = nil
        self.end.succeed()
        return true
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
    }

    let state = Mutex(State())
    private let loops: [any EventLoop]
    private let start: @Sendable (WorkerID) -> Start
    private let behavior: @Sendable (FakeRequest) -> FakeWorker.Behavior

    init(
        loops: [any EventLoop],
        behavior: @escaping @Sendable (FakeRequest) -> FakeWorker.Behavior = { _ in .answer },
        start: @escaping @Sendable (WorkerID) -> Start = { _ in .ready }
    ) {
        self.loops = loops
        self.start = start
        self.behavior = behavior
    }

    /// Workers that have not ended.
    var alive: Int {
        self.state.withLock { $0.workers.count }
    }

    func run(_ id: WorkerID, events: any WorkerEvents) async {
        let index = id.place % self.loops.count
        let loop = self.loops[index]
        let worker = FakeWorker(id, loop: loop, loopIndex: index, events: events, behavior: self.behavior)
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
        let violations = try? await loop.submit { worker.violations }.get()
        self.state.withLock { state in
            state.workers[id] = nil
            state.violations += violations ?? 1
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

    func write(into frame: inout ByteBuffer) -> ByteBuffer? {
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
