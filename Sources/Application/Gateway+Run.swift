import Features
import Logging
import Platform
import Sockets
import Synchronization
import WorkerPool

extension Gateway {
    typealias Events = AsyncStream<LifecycleStateMachine.Event>

    /// Serves until a signal asks it to stop.
    ///
    /// - Throws: ``Failure`` if the service could not start, or requests or answers were cut off when it stopped.
    package func run() async throws {
        // The log must hold the reason before the console prints it.
        defer { self.loggers.flush(milliseconds: 1000) }
        // No client is connected yet: a signal ends the process even while an address is being looked up.
        ProcessSignals.leaveWhenAsked {
            SocketFile.removeAll()
            self.process.cleanUp()
            self.loggers.flush(milliseconds: 250)
        }
        let (events, sender) = Events.makeStream()
        try await self.features.start(self.view)
        self.obeySignals(sender)
        let initCommand = Task { try await self.workers.runInitCommand() }
        let pool = Task {
            do {
                try await initCommand.value
                try await self.workers.pool.run { sender.yield(.poolReady) }
                sender.yield(.poolEnded(failure: nil))
            } catch {
                sender.yield(.poolEnded(failure: "\(error)"))
            }
        }
        var life = Life(events: sender, initCommand: initCommand, settings: self.settings)
        let outcome = await self.live(events, &life)
        await pool.value
        // The progress report asks the event loops, which the features shut down.
        life.progress?.cancel()
        await life.progress?.value
        await self.features.stop()
        // The clock is cancelled last: it must be able to end a service that hangs.
        life.clock?.cancel()
        while self.status.isLeavingAtOnce {
            // ``leaveAtOnce(_:)`` has killed the workers, which ends the service here as well; it also exits.
            try? await Task.sleep(for: .seconds(1))
        }
        if case .failure(let reason) = outcome {
            throw Failure(description: reason)
        }
    }

    private func obeySignals(_ events: Events.Continuation) {
        let isEnding = Atomic(false)
        ProcessSignals.obey(ProcessSignal.allCases) { signal in
            self.loggers.rr.notice("signal received", metadata: ["signal": "\(signal.rawValue)"])
            switch signal {
            case .hangUp:
                events.yield(.reloadRequested)
            case .user1:
                self.loggers.reopen()
            case .user2:
                events.yield(.resetRequested)
            case .interrupt, .terminate:
                if isEnding.exchange(true, ordering: .relaxed) {
                    // Handled outside the lifecycle, so that it works even if the lifecycle hangs.
                    self.leaveAtOnce("exit forced")
                }
                // A user who presses Ctrl-C does not want to wait for sessions.
                events.yield(.stopRequested(isHasty: signal == .interrupt))
            }
        }
    }
}
