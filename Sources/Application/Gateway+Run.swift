import AdminHTTP
import Configuration
import Logging
import NIOCore
import NIOPosix
import Platform
import Sockets
import Synchronization
import TCPServer
import WorkerPool
import WorkerProcess

extension Gateway {
    typealias Events = AsyncStream<LifecycleStateMachine.Event>

    /// Serves until a signal asks for the end.
    ///
    /// - Throws: ``Failure`` when the service could not be started, or something was cut off at its end.
    package func run() async throws {
        // However it ends, the reason is in the log before it is on the console.
        defer { self.loggers.flush(milliseconds: 1000) }
        // Nobody is served yet: whoever wants us to end does not wait for an address that is looked up.
        ProcessSignals.leaveWhenAsked {
            SocketFile.removeAll()
            self.process.cleanUp()
            self.loggers.flush(milliseconds: 250)
        }
        let descriptorLimit = self.descriptorLimit
        self.limitConnections(descriptorLimit, self.settings)
        let (events, tell) = Events.makeStream()
        let admin = try await self.startAdmin()
        self.obeySignals(tell)
        let initCommand = Task { try await self.runInitCommand() }
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
        var life = Life(
            tell: tell,
            initCommand: initCommand,
            current: Current(settings: self.settings, descriptorLimit: descriptorLimit)
        )
        let outcome = await self.live(events, &life)
        await poolTask.value
        self.relay?.close()
        await admin?.stop()
        // These two ask the event loops, which must be there.
        for task in [watchdog, life.progress] {
            task?.cancel()
            await task?.value
        }
        try? await self.group.shutdownGracefully()
        reaping.cancel()
        await reaping.value
        self.killWhatIsLeft()
        trimming.cancel()
        // This one must work whatever hangs: it ends when all else has.
        life.clock?.cancel()
        while self.status.isLeavingAtOnce {
            // Without its workers the service ends here as well; the exit is the other one's.
            try? await Task.sleep(for: .seconds(1))
        }
        if case .failure(let reason) = outcome {
            throw Failure(description: reason)
        }
    }

    private func obeySignals(_ tell: Events.Continuation) {
        let isEnding = Atomic(false)
        ProcessSignals.obey(ProcessSignal.allCases) { signal in
            self.loggers.rr.notice("signal received", metadata: ["signal": "\(signal.rawValue)"])
            switch signal {
            case .hangUp:
                tell.yield(.reloadRequested)
            case .user1:
                self.loggers.reopen()
            case .user2:
                tell.yield(.resetRequested)
            case .interrupt, .terminate:
                if isEnding.exchange(true, ordering: .relaxed) {
                    // Here and not in the lifecycle: whatever hangs there, this works.
                    self.leaveAtOnce("exit forced")
                }
                // Whoever presses Ctrl-C does not want to wait for sessions.
                tell.yield(.stopRequested(isHasty: signal == .interrupt))
            }
        }
    }

    private func reapAdoptedChildren() async {
        var children = AdoptedChildren()
        while (try? await Task.sleep(for: AdoptedChildren.interval)) != nil {
            // Before the reaping: a number that is free belongs to nobody.
            self.descendants.lookAtInherited()
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

    /// Keeps enough descriptors for the workers.
    func limitConnections(_ descriptorLimit: Int, _ settings: Settings) {
        let workers = PoolConfiguration(settings.tcp.pool).maximumWorkers
        let listeners = settings.tcp.servers.count
        let others = DescriptorLimit.Others(
            loops: self.process.eventLoops,
            adminAddresses: self.adminEndpoints().count,
            hasRelay: self.relay != nil
        )
        let share = DescriptorLimit.share(of: descriptorLimit, workers: workers, listeners: listeners, others)
        self.server.limitConnections(to: share.connections, batch: share.batch)
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
}
