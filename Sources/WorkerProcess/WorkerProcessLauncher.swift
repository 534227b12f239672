public import Logging
public import NIOCore
import NIOPosix
import Subprocess
import SystemPackage
public import WorkerPool

/// Starts workers as processes that speak Goridge over their standard input and output.
public struct WorkerProcessLauncher: WorkerLauncher {
    private let current: CurrentCommand
    let loops: [any EventLoop]
    let serverPID: Int
    let logger: Logger

    /// - Parameters:
    ///   - loops: The event loops that relays are spread over, place by place; loops of a `MultiThreadedEventLoopGroup`.
    ///   - handshakeTimeout: How long a new process may take to answer with its pid.
    ///   - serverPID: This process's id, which the handshake tells.
    public init(
        command: WorkerCommand,
        loops: [any EventLoop],
        handshakeTimeout: TimeAmount,
        serverPID: Int,
        logger: Logger
    ) {
        self.current = CurrentCommand((command, handshakeTimeout))
        self.loops = loops
        self.serverPID = serverPID
        self.logger = logger
    }

    /// Changes what workers are started with from now on.
    public func update(_ command: WorkerCommand, handshakeTimeout: TimeAmount) {
        self.current.value = (command, handshakeTimeout)
    }

    public func run(_ id: WorkerID, events: any WorkerEvents) async {
        let (command, handshakeTimeout) = self.current.value
        do {
            let handshake = WorkerRelay.Handshake(serverPID: self.serverPID, timeout: handshakeTimeout)
            try await self.spawn(id, command, handshake, events: events)
        } catch {
            let failure = WorkerFailure(.start, "failed to spawn a worker: cannot run `\(command.line)`: \(error)")
            events.workerFailed(id, failure, requestWritten: false)
        }
    }

    private func spawn(
        _ id: WorkerID,
        _ command: WorkerCommand,
        _ handshake: WorkerRelay.Handshake,
        events: any WorkerEvents
    ) async throws {
        let loopIndex = id.place % self.loops.count
        var pipes = try WorkerPipes()
        // Until a channel owns them, our ends are this function's to close.
        defer { pipes.closeOurs() }
        let relay = WorkerRelay(
            id: id,
            eventLoop: self.loops[loopIndex],
            loopIndex: loopIndex,
            handshake: handshake,
            events: events,
            logger: self.logger
        )
        let result = try await Subprocess.run(
            command.executable,
            arguments: command.rest,
            environment: .custom(command.variables),
            workingDirectory: FilePath(command.workingDirectory),
            platformOptions: command.platformOptions,
            input: .fileDescriptor(pipes.childInput, closeAfterSpawningProcess: true),
            output: .fileDescriptor(pipes.childOutput, closeAfterSpawningProcess: true),
            error: .fileDescriptor(pipes.childError, closeAfterSpawningProcess: true)
        ) { execution in
            try await relay.accompany(
                pid: execution.processIdentifier.value,
                processDescriptor: execution.processIdentifier.processDescriptor,
                pipes: &pipes
            )
        }
        await relay.reaped(status: result.terminationStatus.text)
    }
}
