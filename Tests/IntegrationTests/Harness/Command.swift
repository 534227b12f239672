import Foundation

/// A command that a test runs to its end.
enum Command {
    struct Result {
        var exit: ChildProcess.Exit
        var output: String
        var errors: String
    }

    /// The test's own environment without what would configure `rr`.
    static let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("RR_") }

    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        directory: String = "/tmp",
        within duration: Duration = .seconds(60)
    ) throws -> Result {
        let process = try ChildProcess(
            arguments,
            environment: Self.environment.merging(environment) { $1 },
            directory: directory
        )
        defer { process.send(signal: SIGKILL) }
        let exit = try process.awaitExit(within: duration)
        try process.standardOutput.awaitEnd()
        try process.standardError.awaitEnd()
        return Result(exit: exit, output: process.standardOutput.text, errors: process.standardError.text)
    }

    /// `rr` with these arguments.
    static func rr(_ arguments: String..., directory: String = "/tmp") throws -> Result {
        try self.run([try Fixture.binary()] + arguments, directory: directory)
    }
}
