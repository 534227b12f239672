import Configuration
import Logging
import NIOCore
import Platform
import TCPServer
import WorkerPool

extension Gateway {
    /// What the lifecycle's actions work on.
    struct Life {
        let tell: Events.Continuation
        let initCommand: Task<Void, any Error>
        var machine = LifecycleStateMachine()
        var current: Current
        /// Runs from the start to the first signal to end.
        var listening: Task<[Listener], any Error>?
        /// Of a reload, until it is over.
        var reload: Task<Current, any Error>?
        var grace = Grace(period: .zero)
        /// Run from the signal to the exit.
        var clock: Task<Void, Never>?
        var progress: Task<Void, Never>?

        init(tell: Events.Continuation, initCommand: Task<Void, any Error>, current: Current) {
            self.tell = tell
            self.initCommand = initCommand
            self.current = current
        }
    }

    /// How long workers may take to end that never had a request.
    private static let promptly = TimeAmount.seconds(2)

    /// Does what the lifecycle says until it says exit.
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

    /// Begins what an action asks for; nothing is waited for here, so that the next event is not late.
    private func perform(_ action: LifecycleStateMachine.Action, _ life: inout Life) async {
        let tell = life.tell
        switch action {
        case .listen:
            let servers = life.current.servers
            let task = Task { try await self.server.listen(on: servers) }
            life.listening = task
            Task {
                let result = await task.result
                tell.yield(.listening(failure: result.failure.map { "\($0)" }))
            }
        case .announce:
            // It is over: that was the event.
            life.current.listeners = (try? await life.listening?.value) ?? []
            self.announce(life.current.listeners)
            self.process.serviceManager?.notify(.ready)
        case .prepareReload:
            self.process.serviceManager?.notify(.reloading)
            let current = life.current
            let task = Task { try await self.prepareReload(current) }
            life.reload = task
            Task {
                _ = await task.result
                tell.yield(.reloadPrepared)
            }
        case .finishReload:
            // It is over: that was the event.
            if let result = await life.reload?.result {
                self.finishReload(result, &life.current)
            }
            life.reload = nil
            self.process.serviceManager?.notify(.ready)
        case .reset:
            self.pool.reset()
        case .withdraw:
            self.tell(.withdrawn, after: life.current.settings.endure.drainDelay, tell)
        case .drain(let sessionsGoOn):
            self.drain(sessionsGoOn: sessionsGoOn, life)
        case .endSessions:
            self.server.drain(nil)
            Task { await self.logSessionsThatEnd() }
        case .endConnections:
            self.server.endConnections()
        case .cutOffRequests:
            if self.pool.cutOffRequests() > 0 {
                tell.yield(.wasCutOff)
            }
        case .closePool(let atOnce):
            life.initCommand.cancel()
            let time = life.grace.timeForWorkers
            if self.pool.close(timeout: atOnce ? min(Self.promptly, time) : time) > 0 {
                tell.yield(.wasCutOff)
            }
        case .cutOff:
            Task { await self.cutOff(tell) }
        case .exit:
            break
        }
    }

    private func tell(_ event: LifecycleStateMachine.Event, after delay: Duration, _ tell: Events.Continuation) {
        // Cut short by the exit only.
        Task {
            try? await Task.sleep(for: delay)
            tell.yield(event)
        }
    }

    private func beginEnd(_ life: inout Life) {
        guard life.clock == nil else {
            return
        }
        self.process.serviceManager?.notify(.stopping)
        life.reload?.cancel()
        let tell = life.tell
        let grace = Grace(period: TimeAmount(clamping: life.current.settings.endure.gracePeriod))
        life.grace = grace
        life.clock = Task { await self.watch(grace, tell) }
        life.progress = Task { await self.logProgress() }
    }

    /// Tells the moments of the grace period; at its end we leave.
    private func watch(_ grace: Grace, _ tell: Events.Continuation) async {
        for moment in Grace.Moment.allCases {
            do {
                try await Task.sleep(for: .nanoseconds(grace.timeLeft(until: moment).nanoseconds))
            } catch {
                // Cancelled: the service has ended in time.
                return
            }
            switch moment {
            case .sessionsMustEnd: tell.yield(.sessionsMustEnd)
            case .requestsMustEnd: tell.yield(.requestsMustEnd)
            case .closesMustEnd: tell.yield(.closesMustEnd)
            case .timeIsUp: tell.yield(.timeIsUp)
            case .over: self.leaveAtOnce("the grace period is over")
            }
        }
    }

    private func drain(sessionsGoOn: Bool, _ life: Life) {
        life.listening?.cancel()
        let tell = life.tell
        let grace = life.grace
        let idle = TimeAmount(clamping: life.current.settings.endure.drainIdle)
        if !sessionsGoOn {
            self.tell(.packetsMustEnd, after: .nanoseconds(grace.patience.nanoseconds), tell)
        }
        Task {
            await self.server.closeListeners()
            let untilEnd = grace.timeLeft(until: .sessionsMustEnd)
            let spreading = min(grace.timeForSpreading, untilEnd)
            let rest = TCPServer.Rest(idle: idle, untilSpreading: untilEnd - spreading, spreading: spreading)
            self.server.drain(sessionsGoOn ? rest : nil)
            self.server.sessionsEnded().whenComplete { _ in tell.yield(.sessionsEnded) }
            try? await self.server.socketsClosed().get()
            if await self.server.hasLost() {
                tell.yield(.wasCutOff)
            }
            tell.yield(.socketsClosed)
        }
    }

    /// Ends what is left: a request, or an answer that its client has not read, is lost.
    private func cutOff(_ tell: Events.Continuation) async {
        let connections = await self.server.unfinishedCount()
        let requests = self.pool.requests
        if connections + requests > 0 {
            tell.yield(.wasCutOff)
            self.loggers.rr.error(
                "the grace period is over, what is left is cut off",
                metadata: ["connections": "\(connections)", "requests": "\(requests)"]
            )
        }
        self.pool.kill()
        await self.server.cutOff()
    }

    private func announce(_ listeners: [Listener]) {
        for listener in listeners {
            self.loggers.tcp.info(
                "listening",
                metadata: ["server": "\(listener.server)", "address": "\(listener.address)"]
            )
        }
        if !self.process.isSilent {
            Console(self.settings.logs).info("RoadRunner server started; version: \(Version.current)")
        }
    }

    /// Once a second, while the service is ending.
    private func logProgress() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            let connections = await self.server.connectionCount()
            self.loggers.rr.notice(
                "draining",
                metadata: [
                    "connections": "\(connections)", "requests": "\(self.pool.requests)",
                    "workers": "\(self.pool.processIDs.count)",
                ]
            )
        }
    }

    private func logSessionsThatEnd() async {
        let connections = await self.server.connectionCount()
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
