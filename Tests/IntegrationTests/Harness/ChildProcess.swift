import Foundation

/// A process that a test has started, in a process group of its own, its output gathered line by line.
final class ChildProcess: @unchecked Sendable {
    /// How a process ended.
    enum Exit: Hashable {
        case code(Int32)
        case signal(Int32)
    }

    let pid: pid_t
    let standardOutput: LineLog
    let standardError: LineLog

    private let condition = NSCondition()
    private var exit: Exit?

    /// - Parameter arguments: the first one is the executable's path
    init(_ arguments: [String], environment: [String: String], directory: String) throws {
        let output = try Pipe()
        let errors = try Pipe()
        defer {
            close(output.writeEnd)
            close(errors.writeEnd)
        }
        self.standardOutput = LineLog(reading: output.readEnd)
        self.standardError = LineLog(reading: errors.readEnd)
        self.pid = try Self.spawn(
            // `env` only changes the directory, and becomes the command then.
            ["/usr/bin/env", "-C", directory] + arguments,
            environment: environment.map { "\($0.key)=\($0.value)" },
            output: output.writeEnd,
            errors: errors.writeEnd
        )
        Thread.detachNewThread { [pid] in
            // Its id stays taken until it is reaped under the lock, so a signal never reaches another process.
            var information = siginfo_t()
            while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
            self.reap()
        }
    }

    var hasExited: Bool {
        self.condition.withLock { self.exit != nil }
    }

    func send(signal: Int32) {
        self.condition.withLock {
            if self.exit == nil {
                kill(self.pid, signal)
            }
        }
    }

    @discardableResult
    func awaitExit(within duration: Duration = Deadline.patience) throws -> Exit {
        let deadline = Deadline(duration)
        self.condition.lock()
        defer { self.condition.unlock() }
        while true {
            if let exit = self.exit {
                return exit
            }
            guard self.condition.wait(until: deadline.date) || !deadline.hasPassed else {
                throw TimeoutError("process \(self.pid) to end")
            }
        }
    }

    private func reap() {
        self.condition.withLock {
            var status: Int32 = 0
            waitpid(self.pid, &status, 0)
            let signal = status & 0x7f
            self.exit = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
            self.condition.broadcast()
        }
    }
}

extension ChildProcess {
    private struct Pipe {
        let readEnd: Int32
        let writeEnd: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            try check(pipe(&ends), "pipe")
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            }
            self.readEnd = ends[0]
            self.writeEnd = ends[1]
        }
    }

    private static func spawn(
        _ arguments: [String],
        environment: [String],
        output: Int32,
        errors: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var every = sigset_t()
        sigfillset(&every)
        posix_spawnattr_setsigdefault(&attributes, &every)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer {
            for string in argv + envp {
                free(string)
            }
        }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, arguments[0], &actions, &attributes, argv, envp)
        guard code == 0 else {
            throw SystemError("posix_spawn \(arguments[0])", code)
        }
        return pid
    }
}
