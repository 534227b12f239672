import AdminHTTP
import Configuration
import Logging
import NIOCore
import NIOPosix
import TCPServer
import UnixSignals
import WorkerPool
import WorkerProcess

extension Gateway {
    typealias Events = AsyncStream<LifecycleStateMachine.Event>

    /// What runs from the signal to the exit.
    private struct Ending {
        let grace: Task<Void, Never>
        let progress: Task<Void, Never>
    }

    /// How long workers may take to end that never had a request.
    private static let promptly = TimeAmount.milliseconds(500)

    /// Serves until a signal asks for the end.
    ///
    /// - Throws: ``Failure`` when the service could not be started, or something was cut off at its end.
    public func run() async throws {
        // However it ends, the reason is in the log before it is on the console.
        defer { self.loggers.flush(milliseconds: 1000) }
        let descriptorLimit = self.descriptorLimit
        self.limitConnections(descriptorLimit, self.settings)
        let (events, tell) = Events.makeStream()
        // Caught from the first moment on: a signal during the start ends it in order, too.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup, .sigusr1, .sigusr2)
        let admin = try await self.startAdmin()
        let initCommand = Task { try await self.runInitCommand() }
        // These two must work whatever hangs: they end when all else has.
        let signalTask = Task { await self.handle(signals, tell) }
        var ending: Ending?
        let watchdog = Task { await self.feedWatchdog() }
        let reaping = Task { await self.reapAdoptedChildren() }
        let trimming = Task {
            while (try? await Task.sleep(for: FreeMemory.interval)) != nil {
                FreeMemory.giveBack()
            }
        }
        let poolTask = Task {
            do {
                try await initCommand.value
                try await self.pool.run { tell.yield(.poolReady) }
                tell.yield(.poolEnded(failure: nil))
            } catch {
                tell.yield(.poolEnded(failure: "\(error)"))
            }
        }
        let outcome = await self.live(events, initCommand, tell, descriptorLimit, &ending)
        await poolTask.value
        self.relay?.close()
        await admin?.stop()
        // These two ask the event loops, which must be there.
        for task in [watchdog, ending?.progress] {
            task?.cancel()
            await task?.value
        }
        try? await self.group.shutdownGracefully()
        reaping.cancel()
        await reaping.value
        self.killWhatIsLeft()
        trimming.cancel()
        signalTask.cancel()
        ending?.grace.cancel()
        while self.status.isLeavingAtOnce {
            // Without its workers the service ends here as well; the exit is the other one's.
            try? await Task.sleep(for: .seconds(1))
        }
        if case .failure(let reason) = outcome {
            throw Failure(description: reason)
        }
    }

    private func handle(_ signals: UnixSignalsSequence, _ tell: Events.Continuation) async {
        var isEnding = false
        for await signal in signals {
            switch signal {
            case .sighup:
                tell.yield(.reloadRequested)
            case .sigusr1:
                self.loggers.reopen()
            case .sigusr2:
                tell.yield(.resetRequested)
            default:
                if isEnding {
                    // Here and not in the lifecycle: whatever hangs there, this works.
                    self.leaveAtOnce("exit forced")
                }
                isEnding = true
                // Who presses Ctrl-C does not want to wait for sessions.
                tell.yield(.stopRequested(isHasty: signal == .sigint))
            }
            self.loggers.rr.notice("signal received", metadata: ["signal": "\(signal)"])
        }
    }

    private func reapAdoptedChildren() async {
        var children = AdoptedChildren()
        while (try? await Task.sleep(for: AdoptedChildren.interval)) != nil {
            children.reap(sparing: self.pool.processIDs)
        }
    }

    /// What workers left behind, and what they had started that was to go on while we serve.
    private func killWhatIsLeft() {
        let count = self.descendants.kill()
        if count > 0 {
            self.loggers.rr.notice("processes that workers left behind were killed", metadata: ["count": "\(count)"])
        }
    }

    private func runInitCommand() async throws {
        guard let settings = self.settings.server.onInit else {
            return
        }
        let command = InitCommand(
            command: try WorkerCommand(onInit: settings, self.process),
            timeout: TimeAmount(clamping: settings.execTimeout),
            logger: self.loggers.server
        )
        do {
            try await command.run()
        } catch let failure as InitCommand.Failure where !settings.exitOnError {
            self.loggers.server.error("\(failure)")
        }
    }

    /// Does what the lifecycle says until it says exit.
    private func live(
        _ events: Events,
        _ initCommand: Task<Void, any Error>,
        _ tell: Events.Continuation,
        _ descriptorLimit: Int,
        _ ending: inout Ending?
    ) async -> LifecycleStateMachine.Outcome {
        var lifecycle = LifecycleStateMachine()
        var current = Current(settings: self.settings, descriptorLimit: descriptorLimit)
        var grace = Grace(period: .zero)
        for await event in events {
            let actions = lifecycle.handle(event)
            self.status.phase = lifecycle.phase
            for action in actions {
                if action.isBeginningOfEnd, ending == nil {
                    self.process.serviceManager?.notify(.stopping)
                    let started = Grace(period: TimeAmount(clamping: current.settings.endure.gracePeriod))
                    grace = started
                    ending = Ending(
                        grace: Task { await self.watch(started, tell) },
                        progress: Task { await self.logProgress() }
                    )
                }
                switch action {
                case .listen:
                    do {
                        current.listeners = try await self.server.listen(on: current.servers)
                        tell.yield(.listening(failure: nil))
                    } catch {
                        tell.yield(.listening(failure: "\(error)"))
                    }
                case .announce:
                    self.announce(current.listeners)
                    self.process.serviceManager?.notify(.ready)
                case .reload:
                    self.process.serviceManager?.notify(.reloading)
                    await self.reload(&current)
                    self.process.serviceManager?.notify(.ready)
                case .reset:
                    self.pool.reset()
                case .withdraw:
                    let delay = current.settings.endure.drainDelay
                    // Cut short by the exit only.
                    Task {
                        try? await Task.sleep(for: delay)
                        tell.yield(.withdrawn)
                    }
                case .drain(let sessionsGoOn):
                    for listener in current.listeners {
                        await listener.close()
                    }
                    let idle = TimeAmount(clamping: current.settings.endure.drainIdle)
                    // Not awaited: when time is up we do not wait for who does not read his answer.
                    self.server.drain(idle: sessionsGoOn ? idle : nil).whenComplete { _ in tell.yield(.drained) }
                case .endSessions:
                    await self.logSessionsThatEnd()
                    self.server.end().whenComplete { _ in tell.yield(.drained) }
                case .closePool(let atOnce):
                    initCommand.cancel()
                    let timeout = TimeAmount(clamping: current.settings.tcp.pool.destroyTimeout)
                    self.pool.close(timeout: atOnce ? Self.promptly : min(timeout, grace.timeForWorkers))
                case .killWorkers:
                    self.pool.kill()
                    await self.logWhatIsCutOff()
                    await self.server.cutOff()
                case .exit(let outcome):
                    return outcome
                }
            }
        }
        return .success
    }

    /// Keeps enough descriptors for the workers.
    func limitConnections(_ descriptorLimit: Int, _ settings: Settings) {
        let workers = PoolConfiguration(settings.tcp.pool).maximumWorkers
        let listeners = settings.tcp.servers.count
        let share = DescriptorLimit.share(of: descriptorLimit, workers: workers, listeners: listeners)
        self.server.limitConnections(to: share.connections, batch: share.batch)
    }

    /// Sessions end in time for their CLOSE and the workers' end; near the end of the grace period what is left is
    /// killed, so that it is reaped within it; at its end we leave.
    private func watch(_ grace: Grace, _ tell: Events.Continuation) async {
        do {
            try await Task.sleep(for: .nanoseconds(grace.timeForSessions.nanoseconds))
            tell.yield(.sessionsMustEnd)
            let rest = grace.period - grace.reserve - grace.timeForSessions
            try await Task.sleep(for: .nanoseconds(rest.nanoseconds))
            tell.yield(.timeIsUp)
            try await Task.sleep(for: .nanoseconds(grace.reserve.nanoseconds))
        } catch {
            // Cancelled: the service has ended in time.
            return
        }
        self.leaveAtOnce("the grace period is over")
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

    /// Tells systemd that we are alive, for as long as every event loop is.
    private func feedWatchdog() async {
        guard let manager = self.process.serviceManager, let interval = manager.watchdogInterval else {
            return
        }
        while (try? await Task.sleep(for: interval)) != nil {
            for loop in self.group.makeIterator() {
                try? await loop.submit {}.get()
            }
            manager.notify(.watchdog)
        }
    }

    private func logSessionsThatEnd() async {
        let connections = await self.server.connectionCount()
        self.loggers.rr.warning(
            "the grace period is nearly over, sessions are ended between two packets",
            metadata: ["connections": "\(connections)"]
        )
    }

    private func logWhatIsCutOff() async {
        let connections = await self.server.connectionCount()
        self.loggers.rr.error(
            "the grace period is over, what is left is cut off",
            metadata: ["connections": "\(connections)", "workers": "\(self.pool.processIDs.count)"]
        )
    }
}
