import Logging
import NIOCore
import Subprocess
import SystemPackage

/// `server.on_init`: a command that runs to its end before the workers are started.
package struct InitCommand: Sendable {
    private let command: WorkerCommand
    private let timeout: TimeAmount
    private let logger: Logger

    /// The reason why the command failed, in one line.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// - Parameter timeout: How long it may take before it is killed with its process group.
    package init(command: WorkerCommand, timeout: TimeAmount, logger: Logger) {
        self.command = command
        self.timeout = timeout
        self.logger = logger
    }

    /// Runs the command and logs its output, one entry per line.
    ///
    /// - Throws: ``Failure`` if it cannot be run, exits with a code other than 0, or takes too long.
    package func run() async throws {
        let status = try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
            group.addTask { try await self.spawn() }
            group.addTask {
                try await Task.sleep(for: .nanoseconds(self.timeout.nanoseconds))
                return nil
            }
            // Cancelling kills the process with its group, and awaits its end.
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard let status else {
            let limit = self.timeout.nanoseconds / 1_000_000
            let reason = "took more than \(limit) ms (exec_timeout)"
            throw Failure(description: "server.on_init: `\(self.command.line)` \(reason)")
        }
        guard status.isSuccess else {
            throw Failure(description: "server.on_init: `\(self.command.line)` ended with \(status.text)")
        }
    }

    private func spawn() async throws -> TerminationStatus {
        do {
            return try await Subprocess.run(
                self.command.executable,
                arguments: self.command.rest,
                environment: .custom(self.command.variables),
                workingDirectory: FilePath(self.command.workingDirectory),
                platformOptions: self.command.platformOptions,
                input: .none,
                output: .sequence,
                error: .combinedWithOutput
            ) { execution in
                try await self.log(execution.standardOutput)
            }.terminationStatus
        } catch {
            throw Failure(description: "server.on_init: cannot run `\(self.command.line)`: \(error)")
        }
    }

    private func log(_ output: SubprocessOutputSequence) async throws {
        var lines = LineBuffer(limit: OutputHandler.lineLimit)
        for try await chunk in output {
            lines.append(chunk.withUnsafeBytes { ByteBuffer(bytes: $0) })
            while let line = lines.next() {
                self.logger.info("\(line)")
            }
        }
        if let rest = lines.rest() {
            self.logger.info("\(rest)")
        }
    }
}
