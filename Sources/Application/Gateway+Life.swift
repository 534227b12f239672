import Features
import Logging
import NIOCore
import Platform
import TCPServer
import WorkerPool

extension Gateway {
    /// The state that the lifecycle's actions work on.
    struct Life {
        let events: Events.Continuation
        let initCommand: Task<Void, any Error>
        var machine = LifecycleStateMachine()
        /// The settings in effect.
        var settings: Settings
        /// Binds the listeners; cancelled by the first signal to stop.
        var listening: Task<Void, any Error>?
        /// The reload in progress.
        var reload: Task<Reload, any Error>?
        var grace = Grace(period: .zero)
        /// Run from the signal to the exit.
        var clock: Task<Void, Never>?
        var progress: Task<Void, Never>?

        init(events: Events.Continuation, initCommand: Task<Void, any Error>, settings: Settings) {
            self.events = events
            self.initCommand = initCommand
            self.settings = settings
        }
    }

    /// How long workers that never had a request may take to end.
    private static let promptly = TimeAmount.seconds(2)

    /// Runs the lifecycle's actions until its exit.
    func live(_ events: Events, _ life: inout Life) async -> LifecycleStateMachine.Outcome {
        for await event in events {
            let actions = life.machine.handle(event)
            self.status.phase = life.machine.phase
            for action in actions {
                if case .exit(let outcome) = action {
                    return outcome
                }
                if action.isBeginningOfEnd {
                    self.beginEnd(&life)
                }
                await self.perform(action, &life)
            }
        }
        return .success
    }

    /// Starts an action without waiting for it, so that the next event is not late.
    private func perform(_ action: LifecycleStateMachine.Action, _ life: inout Life) async {
        let events = life.events
        switch action {
        case .listen:
            let task = Task { try await self.tcp.listen() }
            life.listening = task
            Task {
                let result = await task.result
                events.yield(.listening(failure: result.failure.map { "\($0)" }))
            }
        case .announce:
            self.announce()
            self.features.ready()
        case .prepareReload:
            self.features.reloading()
            let task = Task { try await self.prepareReload() }
            life.reload = task
            Task {
                _ = await task.result
                events.yield(.reloadPrepared)
            }
        case .finishReload:
            // The task has ended: its end was this event.
            if let result = await life.reload?.result {
                self.finishReload(result, &life.settings)
            }
            life.reload = nil
            self.features.ready()
        case .reset:
            self.workers.pool.reset()
        case .withdraw:
            self.send(.withdrawn, after: life.settings.endure.drainDelay, events)
        case .drain(let sessionsGoOn):
            self.drain(sessionsGoOn: sessionsGoOn, life)
        case .endSessions:
            self.tcp.server.drain(nil)
            Task { await self.logSessionsThatEnd() }
        case .endConnections:
            self.tcp.server.endConnections()
        case .cutOffRequests:
            if self.workers.pool.cutOffRequests() > 0 {
                events.yield(.wasCutOff)
            }
        case .closePool(let atOnce):
            life.initCommand.cancel()
            let time = life.grace.timeForWorkers
            if self.workers.pool.close(timeout: atOnce ? min(Self.promptly, time) : time) > 0 {
                events.yield(.wasCutOff)
            }
        case .cutOff:
            Task { await self.cutOff(events) }
        case .exit:
            break
        }
    }

    private func send(_ event: LifecycleStateMachine.Event, after delay: Duration, _ events: Events.Continuation) {
        // Only the exit can cut this short.
        Task {
            try? await Task.sleep(for: delay)
            events.yield(event)
        }
    }

    private func beginEnd(_ life: inout Life) {
        guard life.clock == nil else {
            return
        }
        self.features.drain()
        life.reload?.cancel()
        let events = life.events
        let grace = Grace(period: TimeAmount(clamping: life.settings.endure.gracePeriod))
        life.grace = grace
        life.clock = Task { await self.watch(grace, events) }
        life.progress = Task { await self.logProgress() }
    }

    /// Sends the moments of the grace period, and exits at its end.
    private func watch(_ grace: Grace, _ events: Events.Continuation) async {
        for moment in Grace.Moment.allCases {
            do {
                try await Task.sleep(for: .nanoseconds(grace.timeLeft(until: moment).nanoseconds))
            } catch {
                // Cancelled: the service has ended in time.
                return
            }
            switch moment {
            case .sessionsMustEnd: events.yield(.sessionsMustEnd)
            case .requestsMustEnd: events.yield(.requestsMustEnd)
            case .closesMustEnd: events.yield(.closesMustEnd)
            case .timeIsUp: events.yield(.timeIsUp)
            case .over: self.leaveAtOnce("the grace period is over")
            }
        }
    }

    private func drain(sessionsGoOn: Bool, _ life: Life) {
        life.listening?.cancel()
        let events = life.events
        let grace = life.grace
        let idle = TimeAmount(clamping: life.settings.endure.drainIdle)
        if !sessionsGoOn {
            self.send(.packetsMustEnd, after: .nanoseconds(grace.patience.nanoseconds), events)
        }
        Task {
            await self.tcp.server.closeListeners()
            let untilEnd = grace.timeLeft(until: .sessionsMustEnd)
            let spreading = min(grace.timeForSpreading, untilEnd)
            let rest = TCPServer.Rest(idle: idle, untilSpreading: untilEnd - spreading, spreading: spreading)
            self.tcp.server.drain(sessionsGoOn ? rest : nil)
            self.tcp.server.sessionsEnded().whenComplete { _ in events.yield(.sessionsEnded) }
            try? await self.tcp.server.socketsClosed().get()
            if await self.tcp.server.hasLost() {
                events.yield(.wasCutOff)
            }
            events.yield(.socketsClosed)
        }
    }

    /// Kills the workers and closes the remaining connections. Their requests and unread answers are lost.
    private func cutOff(_ events: Events.Continuation) async {
        let connections = await self.tcp.server.unfinishedCount()
        let requests = self.workers.pool.requests
        if connections + requests > 0 {
            events.yield(.wasCutOff)
            self.loggers.rr.error(
                "the grace period is over, what is left is cut off",
                metadata: ["connections": "\(connections)", "requests": "\(requests)"]
            )
        }
        self.workers.pool.kill()
        await self.tcp.server.cutOff()
    }

    private func announce() {
        self.tcp.announce()
        if !self.process.isSilent {
            Console(self.settings.logs).info("RoadRunner server started; version: \(Version.current)")
        }
    }

    /// Logs the progress once a second while the service is stopping.
    private func logProgress() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            let connections = await self.tcp.server.connectionCount()
            self.loggers.rr.notice(
                "draining",
                metadata: [
                    "connections": "\(connections)", "requests": "\(self.workers.pool.requests)",
                    "workers": "\(self.workers.pool.processIDs.count)",
                ]
            )
        }
    }

    private func logSessionsThatEnd() async {
        let connections = await self.tcp.server.connectionCount()
        self.loggers.rr.warning(
            "the grace period is nearly over, sessions are ended between two packets",
            metadata: ["connections": "\(connections)"]
        )
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
