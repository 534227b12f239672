import Glibc
import Platform

/// The service of a directory, found by the pid file that `rr serve -p` has written there. When the file is missing or
/// stale, process 1 is taken if it serves there: containers mostly run it so, without a pid file.
package struct RunningService: Sendable {
    /// The reason why no service was found, or why it does not end, in one line.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// Time between two checks of whether it has ended.
    private static let interval = Duration.milliseconds(20)
    /// How long the service may take to notice a signal before it gets another.
    private static let patience = Duration.seconds(5)

    private let process: ServerProcess

    package var pid: Int32 { self.process.pid }

    /// - Throws: ``Failure`` if neither the pid file's process nor process 1 is a server of that directory.
    package init(servingIn directory: String) throws {
        let directory = directory.isEmpty ? "." : directory
        let path = directory.hasSuffix("/") ? "\(directory)\(PIDFile.name)" : "\(directory)/\(PIDFile.name)"
        let first = ServerProcess(1)
        guard access(path, F_OK) == 0 else {
            let reason = String(cString: strerror(errno))
            guard let first, first.isServer else {
                let hint = "a server writes one when it is started with `rr serve -p`"
                throw Failure(description: "cannot read \(path): \(reason); \(hint)")
            }
            guard first.serves(in: directory) else {
                let hint = "process 1 is an rr that serves in another directory, name that with -w"
                throw Failure(description: "cannot read \(path): \(reason); \(hint)")
            }
            self.process = first
            return
        }
        do {
            self.process = try Self.named(by: path, servingIn: directory)
        } catch {
            // A container that was killed leaves its file behind.
            guard let first, first.serves(in: directory) else {
                throw error
            }
            self.process = first
        }
    }

    private static func named(by path: String, servingIn directory: String) throws(Failure) -> ServerProcess {
        guard let pid = PIDFile.read(path) else {
            throw Failure(description: "\(path) does not hold a process id")
        }
        guard let process = ServerProcess(pid) else {
            throw Failure(description: "\(path) names process \(pid), which is not running")
        }
        // The working directory of another user's process cannot be read.
        guard kill(pid, 0) == 0 || errno != EPERM else {
            throw Failure(description: "\(path) names process \(pid), which belongs to another user")
        }
        guard process.serves(in: directory) else {
            throw Failure(
                description: "\(path) names process \(pid), which is no rr that serves there: it is left alone"
            )
        }
        return process
    }

    /// Asks the service to reload its configuration. Its log reports whether that succeeded.
    ///
    /// - Throws: ``Failure`` if it may not be signalled, or has ended.
    package func reload() throws {
        try self.ask(SIGHUP)
    }

    /// Asks the service to replace its workers.
    ///
    /// - Throws: ``Failure`` if it may not be signalled, or has ended.
    package func reset() throws {
        try self.ask(SIGUSR2)
    }

    private func ask(_ signal: Int32) throws {
        guard self.process.isAlive else {
            throw Failure(description: "process \(self.pid) has ended")
        }
        try self.send(signal)
    }

    /// Asks the service to stop, and waits for its end.
    ///
    /// - Throws: ``Failure`` when it may not be signalled, or has not ended in time.
    package func stop(within duration: Duration) async throws {
        try self.send(SIGTERM)
        guard try await self.hasEnded(within: duration) else {
            let hint = "`rr stop -f` ends it at once"
            throw Failure(description: "process \(self.pid) has not ended within \(duration); \(hint)")
        }
    }

    /// Asks the service twice to stop, which means at once; then kills it.
    ///
    /// - Throws: ``Failure`` when it may not be signalled, or cannot even be killed.
    package func stopAtOnce() async throws {
        try self.send(SIGTERM)
        // Two signals that are pending at the same time count as one.
        if try await self.hasEnded(within: .milliseconds(500)) {
            return
        }
        for signal in [SIGTERM, SIGKILL] {
            try self.send(signal)
            if try await self.hasEnded(within: Self.patience) {
                return
            }
        }
        throw Failure(description: "process \(self.pid) cannot be killed")
    }

    private func send(_ signal: Int32) throws {
        guard self.process.isAlive, kill(self.pid, signal) != 0, errno != ESRCH else {
            return
        }
        throw Failure(description: "cannot signal process \(self.pid): \(String(cString: strerror(errno)))")
    }

    private func hasEnded(within duration: Duration) async throws -> Bool {
        let end = ContinuousClock.now + duration
        while self.process.isAlive {
            guard ContinuousClock.now < end else {
                return false
            }
            try await Task.sleep(for: Self.interval)
        }
        return true
    }
}
