import Logging
import NIOCore
import NIOPosix
import Platform
import Subprocess
import SystemPackage
import WorkerPool

/// Starts workers as processes that speak Goridge over their standard input and output, or over a socket.
package struct WorkerProcessLauncher: WorkerLauncher {
    private let current: CurrentCommand
    let loops: [any EventLoop]
    let serverPID: Int
    let listener: RelayListener?
    let outOfMemoryKills: OutOfMemoryKills
    let logger: Logger

    /// - Parameters:
    ///   - loops: The event loops that relays are spread over, place by place; loops of a `MultiThreadedEventLoopGroup`.
    ///   - handshakeTimeout: How long a new process may take to answer with its pid.
    ///   - serverPID: This process's id, which the handshake tells.
    ///   - listener: The socket that workers connect to; `nil` if their input and output are the relay.
    ///   - outOfMemoryKills: Asked if a worker was killed by another process or the kernel.
    ///   - isPipelined: Whether the pool may give a worker several requests: then it is found out which ones can have them.
    package init(
        command: WorkerCommand,
        loops: [any EventLoop],
        handshakeTimeout: TimeAmount,
        serverPID: Int,
        listener: RelayListener?,
        outOfMemoryKills: OutOfMemoryKills,
        isPipelined: Bool,
        logger: Logger
    ) {
        self.current = CurrentCommand(
            (command, handshakeTimeout, WorkerHabits(isPipelined: isPipelined, logger: logger)))
        self.loops = loops
        self.serverPID = serverPID
        self.listener = listener
        self.outOfMemoryKills = outOfMemoryKills
        self.logger = logger
    }

    /// Changes the command of workers that are started from now on.
    package func update(_ command: WorkerCommand, handshakeTimeout: TimeAmount, isPipelined: Bool) {
        // The new command's workers may have other habits.
        self.current.value = (command, handshakeTimeout, WorkerHabits(isPipelined: isPipelined, logger: self.logger))
        self.listener?.admit(command.credentials)
    }

    package func run(_ id: WorkerID, slot: Int, events: any WorkerEvents) async {
        var (command, handshakeTimeout, habits) = self.current.value
        command.setSlot(slot)
        do {
            let handshake = WorkerRelay.Handshake(serverPID: self.serverPID, timeout: handshakeTimeout)
            try await self.spawn(id, command, handshake, habits, events: events)
        } catch {
            let failure = WorkerFailure(.start, "failed to spawn a worker: cannot run `\(command.line)`: \(error)")
            events.workerFailed(id, failure, begun: 0)
        }
    }

    private func spawn(
        _ id: WorkerID,
        _ command: WorkerCommand,
        _ handshake: WorkerRelay.Handshake,
        _ habits: WorkerHabits,
        events: any WorkerEvents
    ) async throws {
        let loopIndex = id.place % self.loops.count
        let relay = WorkerRelay(
            id: id,
            eventLoop: self.loops[loopIndex],
            loopIndex: loopIndex,
            handshake: handshake,
            listener: self.listener,
            habits: habits,
            events: events,
            logger: self.logger
        )
        let pipes = try WorkerPipes(hasInput: self.listener == nil)
        let status = relay.eventLoop.makePromise(of: String.self)
        // Not a child task: see ``UnwatchedProcess``.
        let task = Task {
            do {
                status.succeed(try await Self.run(command, relay, pipes, status))
            } catch {
                status.fail(error)
            }
        }
        let text = try await withTaskCancellationHandler {
            try await status.futureResult.get()
        } onCancel: {
            task.cancel()
        }
        await relay.reaped(status: text, outOfMemoryKills: self.outOfMemoryKills)
    }

    /// Runs a worker's process until it has been reaped.
    ///
    /// - Returns: The status of the process.
    private static func run(
        _ command: WorkerCommand,
        _ relay: WorkerRelay,
        _ pipes: WorkerPipes,
        _ status: EventLoopPromise<String>
    ) async throws -> String {
        var pipes = pipes
        // This function must close this process's ends unless a channel owns them.
        defer { pipes.closeOurs() }
        return try await Subprocess.run(
            command.executable,
            arguments: command.rest,
            environment: .custom(command.variables),
            workingDirectory: FilePath(command.workingDirectory),
            platformOptions: command.platformOptions,
            input: .fileDescriptor(pipes.childInput, closeAfterSpawningProcess: true),
            output: .fileDescriptor(pipes.childOutput, closeAfterSpawningProcess: true),
            error: .fileDescriptor(pipes.childError, closeAfterSpawningProcess: true)
        ) { execution in
            let pid = execution.processIdentifier.value
            let descriptor = execution.processIdentifier.processDescriptor
            defer {
                if descriptor < 0 {
                    pipes.closeOurs()
                    UnwatchedProcess(pid: pid).reap(on: relay.eventLoop, telling: status)
                }
            }
            try await relay.accompany(pid: pid, processDescriptor: descriptor, pipes: &pipes)
        }.terminationStatus.text
    }
}
