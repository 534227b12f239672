import Addresses
import Glibc
import Logging
import NIOCore
import NIOPosix
import Platform
import Sockets
import Subprocess
import Synchronization
import SystemPackage
import WorkerPool

extension WorkerRelay {
    /// How long a process may outlive its output, if it closed that unasked, and how long the output its process.
    private static let lingerTime = TimeAmount.seconds(1)
    private static let wantOfMemory =
        ", probably for want of memory: the kernel has killed a process of the cgroup for that"

    /// Talks with a worker from its start to the end of its process, which is not reaped before this returns.
    ///
    /// - Parameter processDescriptor: The pidfd of the process, open for as long as this runs; negative without one.
    func accompany(pid: pid_t, processDescriptor: CInt, pipes: inout WorkerPipes) async throws {
        self.logger[metadataKey: "worker.pid"] = "\(pid)"
        self.process.withLock { $0.id = pid }
        // Once this returns, another process may get the id.
        defer { self.giveUpID() }
        let exit = ProcessExit(pid: pid, processDescriptor: processDescriptor, on: self.eventLoop)
        self.exit = exit.future
        do {
            try await self.converse(with: pid, until: exit.future, pipes: &pipes)
        } catch {
            // Kill it now: another process may have its id once this has returned.
            self.signal(SIGKILL)
            await exit.cancel()
            throw error
        }
        await exit.cancel()
    }

    private func converse(
        with pid: pid_t,
        until exit: EventLoopFuture<Void>,
        pipes: inout WorkerPipes
    ) async throws {
        self.events.workerStarted(self.id, self)
        let errorHandler = OutputHandler(eventLoop: self.eventLoop, logger: self.logger)
        let errorChannel = try await pipes.openError(on: self.eventLoop, handler: errorHandler)
        self.closeLate(errorChannel, after: exit)
        try await withTaskCancellationHandler {
            if let channel = try await self.open(&pipes, pid: pid, until: exit) {
                self.closeLate(channel, after: exit)
                exit.whenComplete { _ in self.finishReading() }
                try await channel.closeFuture.get()
            }
            let timer = try await self.eventLoop.submit {
                var deadline = NIODeadline.now() + Self.lingerTime
                if case .end(by: let limit?) = self.wish {
                    deadline = limit
                }
                return self.eventLoop.scheduleTask(deadline: deadline) { self.kill() }
            }.get()
            try await exit.get()
            timer.cancel()
            try await self.eventLoop.submit {
                self.endedByItself = !self.wasKilled
                if !self.endsAsAsked || self.hasFailed {
                    // Kill the rest of its group, too; the group's id cannot be reused before this process is reaped.
                    self.signal(SIGKILL)
                }
            }.get()
            try await errorChannel.closeFuture.get()
        } onCancel: {
            self.kill()
        }
    }

    /// Closes the channel once the process's last output is read, even if one of its children holds the pipe.
    private func closeLate(_ channel: any Channel, after exit: EventLoopFuture<Void>) {
        exit.whenComplete { _ in self.closeLate(channel) }
    }

    private func closeLate(_ channel: any Channel) {
        self.eventLoop.scheduleTask(in: Self.lingerTime) {
            if self.isHeld, channel === self.context?.channel {
                // Its last output is unread because too many answers are pending, which is not the worker's fault.
                self.closeLate(channel)
            } else {
                channel.close(promise: nil)
            }
        }
    }

    /// Makes the channel for frames.
    ///
    /// - Returns: `nil` if the worker has not connected in time, or has ended.
    private func open(
        _ pipes: inout WorkerPipes,
        pid: pid_t,
        until exit: EventLoopFuture<Void>
    ) async throws -> (any Channel)? {
        guard let listener else {
            self.unreadInput = try pipes.watchInput()
            // Held until it is closed, and not weakly: the references to an object that has a weak one are counted slowly.
            let input = WorkerInput { self.finishReading() }
            try await pipes.openInput(on: self.eventLoop, handler: input)
            self.input = input
            return try await pipes.openOutput(on: self.eventLoop, handler: self)
        }
        let outputHandler = OutputHandler(eventLoop: self.eventLoop, logger: self.logger)
        self.closeLate(try await pipes.openOutput(on: self.eventLoop, handler: outputHandler), after: exit)
        let future = listener.connection(of: pid, on: self.eventLoop)
        exit.whenComplete { _ in listener.abandon(pid) }
        let timer = self.eventLoop.scheduleTask(in: self.handshake.timeout) {
            let limit = self.handshake.timeout.nanoseconds / 1_000_000
            self.start = .failed(
                "the worker has not connected to \(listener.address.url) (server.relay) within \(limit) ms (allocate_timeout)"
            )
            listener.abandon(pid)
            self.kill()
        }
        defer { timer.cancel() }
        guard let connection = try? await future.get() else {
            return nil
        }
        return try await ClientBootstrap(group: self.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    self.greeting = connection.received
                    // The relay itself notices the end of a socket in either direction.
                    let input = WorkerInput {}
                    self.input = input
                    try channel.pipeline.syncOperations.addHandlers([input, self])
                }
            }
            .withConnectedSocket(connection.descriptor)
            .get()
    }

    /// The process has been reaped.
    ///
    /// - Parameter status: The status of the process.
    func reaped(status: String, outOfMemoryKills: OutOfMemoryKills) async {
        let status = await self.isExplained(status, by: outOfMemoryKills) ? status + Self.wantOfMemory : status
        let lastWord = self.eventLoop.flatSubmit {
            self.reapedNow(status: status)
            return self.lastWord()
        }
        _ = try? await lastWord.get()
    }

    /// How long to wait for the end of the output of a worker that has ended: another process may hold it open.
    private static let lastWordTimeout = TimeAmount.seconds(1)

    /// Completes when the relay's channel is closed and its last event reported, or after a second.
    private func lastWord() -> EventLoopFuture<Void> {
        guard let channel = self.context?.channel else {
            return self.eventLoop.makeSucceededVoidFuture()
        }
        let timer = self.eventLoop.scheduleTask(in: Self.lastWordTimeout) {}
        // What the handler schedules when the channel closes comes first.
        channel.closeFuture.whenComplete { _ in
            self.eventLoop.execute { timer.cancel() }
        }
        return timer.futureResult
    }

    /// Whether the kernel's out-of-memory killer may have killed the process. Reads a file: do not call it on the loop.
    private func isExplained(_ status: String, by outOfMemoryKills: OutOfMemoryKills) async -> Bool {
        guard status == TerminationStatus.signaled(SIGKILL).text,
            let endedByItself = try? await self.eventLoop.submit({ self.endedByItself }).get()
        else {
            return false
        }
        return endedByItself && outOfMemoryKills.explainOne()
    }

    private func reapedNow(status: String) {
        self.stopTimer?.cancel()
        self.stopTimer = nil
        if self.isReady {
            self.logger.log(
                level: self.endsAsAsked ? .debug : .warning, "worker process has ended",
                metadata: ["status": "\(status)"])
            return
        }
        switch self.wish {
        case .service, .death(wasAsked: false):
            let reason =
                if case .failed(let reason) = self.start { reason } else { "the process ended before its handshake" }
            self.events.workerFailed(
                self.id,
                WorkerFailure(.start, "failed to spawn a worker, possible reasons: \(reason) (\(status))"),
                begun: 0
            )
        case .end, .death(wasAsked: true):
            break
        }
    }

    var isReady: Bool {
        if case .done = self.start { true } else { false }
    }

    /// Whether the process was asked to end, and not killed.
    private var endsAsAsked: Bool {
        if case .end = self.wish { true } else { false }
    }

    var wasKilled: Bool {
        if case .death = self.wish { true } else { false }
    }

    /// Sends a signal to the worker and to its process group, which it may have left, unless its id may be reused.
    func signal(_ signal: CInt) {
        self.process.withLock { process in
            Self.send(signal, to: process.id)
        }
    }

    /// Freezes the worker and its process group, which are killed from now on.
    func condemn() {
        self.process.withLock { process in
            process.isCondemned = true
            Self.send(SIGSTOP, to: process.id)
        }
    }

    private func giveUpID() {
        self.process.withLock { process in
            if process.isCondemned {
                // The worker may have ended by itself since; processes that were frozen with it would never end.
                Self.send(SIGKILL, to: process.id)
            }
            process.id = nil
        }
    }

    private static func send(_ signal: CInt, to pid: pid_t?) {
        if let pid {
            _ = Glibc.kill(-pid, signal)
            _ = Glibc.kill(pid, signal)
        }
    }

    /// Kills the worker and all its descendants.
    func kill() {
        // First: that it was killed must be known when its output ends.
        if self.eventLoop.inEventLoop {
            self.noteKill()
        } else {
            self.eventLoop.execute { self.noteKill() }
        }
        WorkerKiller.shared.kill(self)
    }

    private func noteKill() {
        switch self.wish {
        case .service: self.wish = .death(wasAsked: false)
        case .end: self.wish = .death(wasAsked: true)
        case .death: break
        }
    }
}
