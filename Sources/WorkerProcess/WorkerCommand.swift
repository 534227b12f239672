import Subprocess
import SystemPackage

/// The command of a worker.
package struct WorkerCommand: Sendable, Hashable {
    /// The program and its arguments; the program is looked for in `PATH` unless it has a `/`.
    package var arguments: [String]
    /// The whole environment of the process: `NAME=VALUE` each, any bytes but NUL.
    package var environment: [[UInt8]]
    /// An absolute path.
    package var workingDirectory: String
    /// The user and group to run as; `nil` keeps this process's own.
    package var credentials: Credentials?

    package init(
        arguments: [String],
        environment: [[UInt8]],
        workingDirectory: String,
        credentials: Credentials? = nil
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.credentials = credentials
    }

    /// Tells the worker its slot, see ``WorkerLauncher``.
    mutating func setSlot(_ slot: Int) {
        let name = Array("RR_WORKER_SLOT=".utf8)
        self.environment.removeAll { $0.starts(with: name) }
        self.environment.append(name + Array("\(slot)".utf8))
    }

    /// The command as a user would recognise it.
    var line: String {
        self.arguments.joined(separator: " ")
    }
}

// The command's form for swift-subprocess.
extension WorkerCommand {
    var executable: Executable {
        guard self.credentials == nil else {
            return .path("/proc/self/exe")
        }
        let program = self.arguments.first ?? ""
        return program.contains("/") ? .path(FilePath(program)) : .name(program)
    }

    var rest: Arguments {
        guard let credentials else {
            return Arguments(Array(self.arguments.dropFirst()))
        }
        return Arguments(
            [Credentials.command, "\(credentials.userID)", "\(credentials.groupID)", "--"] + self.arguments)
    }

    /// Each entry with C's final NUL.
    var variables: [[UInt8]] {
        // swift-subprocess refuses to start a process with a name that begins with a digit, which no shell can set.
        self.environment.filter { !($0.first.map { (0x30...0x39).contains($0) } ?? true) }.map { $0 + [0] }
    }

    var platformOptions: PlatformOptions {
        var options = PlatformOptions()
        // A group of its own: Ctrl-C in a terminal does not reach it, and a kill reaches its children.
        options.processGroupID = 0
        // Applies when the task is cancelled.
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        return options
    }
}

extension TerminationStatus {
    /// The status of an ended process, for people.
    var text: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signaled(let signal): "killed by signal \(signal)"
        }
    }
}
