import Logging
import NIOCore
import Synchronization
import SystemPackage
import WorkerPool

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension WorkerRelay {
    /// How long a process may live on after it closed its output unasked, and its output after the process.
    private static let lingerTime = TimeAmount.seconds(1)

    /// Talks with a worker from its start to the end of its process, which is not reaped before this returns.
    ///
    /// - Parameter processDescriptor: The pidfd of the process, open for as long as this runs.
    func accompany(pid: pid_t, processDescriptor: CInt, pipes: inout WorkerPipes) async throws {
        self.logger[metadataKey: "worker.pid"] = "\(pid)"
        self.process.withLock { $0 = pid }
        // From here on the id may be given to another process.
        defer { self.process.withLock { $0 = nil } }
        let exit = ProcessExit(processDescriptor: processDescriptor, on: self.eventLoop)
        do {
            try await self.converse(until: exit.future, pipes: &pipes)
        } catch {
            self.kill()
            await exit.cancel()
            throw error
        }
        await exit.cancel()
    }

    private func converse(until exit: EventLoopFuture<Void>, pipes: inout WorkerPipes) async throws {
        self.events.workerStarted(self.id, self)
        let errorHandler = StandardErrorHandler(eventLoop: self.eventLoop, logger: self.logger)
        let errorChannel = try await pipes.openError(on: self.eventLoop, handler: errorHandler)
        let channel = try await pipes.openRelay(on: self.eventLoop, handler: self)
        exit.whenComplete { _ in
            // What the process wrote last is read first; then nothing more comes, even when a child of it holds the pipe.
            for channel in [channel, errorChannel] {
                self.eventLoop.scheduleTask(in: Self.lingerTime) { channel.close(promise: nil) }
            }
        }
        try await withTaskCancellationHandler {
            try await channel.closeFuture.get()
            let timer = try await self.eventLoop.submit {
                self.eventLoop.scheduleTask(deadline: self.stopDeadline ?? .now() + Self.lingerTime) { self.kill() }
            }.get()
            try await exit.get()
            timer.cancel()
            try await self.eventLoop.submit {
                if !self.wasStopped || self.wasKilled {
                    // Nor is anything left that it started; the group cannot be another's before this one is reaped.
                    self.kill()
                }
            }.get()
            try await errorChannel.closeFuture.get()
        } onCancel: {
            self.kill()
        }
    }

    /// The process has been reaped.
    ///
    /// - Parameter status: How it ended.
    func reaped(status: String) async {
        _ = try? await self.eventLoop.submit { self.reapedNow(status: status) }.get()
    }

    private func reapedNow(status: String) {
        if self.isReady {
            let level: Logger.Level = self.wasStopped && !self.wasKilled ? .debug : .warning
            self.logger.log(level: level, "worker process has ended", metadata: ["status": "\(status)"])
        } else if !self.wasStopped {
            let reason = self.startFailure ?? "the process ended before its handshake"
            self.events.workerFailed(
                self.id,
                WorkerFailure(.start, "failed to spawn a worker, possible reasons: \(reason) (\(status))"),
                requestWritten: false
            )
        }
    }

    /// Kills the worker with its process group, for as long as its id is its own.
    func kill() {
        self.process.withLock { pid in
            guard let pid else {
                return
            }
            _ = Glibc.kill(-pid, SIGKILL)
        }
        if self.eventLoop.inEventLoop {
            self.wasKilled = true
        } else {
            self.eventLoop.execute { self.wasKilled = true }
        }
    }
}
