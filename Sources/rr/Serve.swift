import Application
import ArgumentParser
import Configuration
import Glibc
import Platform

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Start the workers and serve tcp.servers.",
        discussion: """
            Serves until SIGTERM or SIGINT (Ctrl-C); a second one ends it at once. SIGHUP takes over a changed \
            configuration, SIGUSR1 opens log files anew, SIGUSR2 replaces the workers.

            Examples:
              rr serve
              rr serve -c /etc/rr/.rr.yaml -w /srv/app -p
              rr serve -o tcp.pool.num_workers=8 -o logs.mode=production

            Exit codes: 0 a clean stop, 1 it could not start, or something was cut off at its end, 64 wrong usage.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(
        name: [.customShort("p"), .customLong("pid")],
        help: "Write the process id to .pid in the working directory."
    )
    var writesPIDFile = false

    @Flag(name: .shortAndLong, help: "Print nothing but the log.")
    var silent = false

    @Flag(
        name: [.customShort("d"), .customLong("debug")],
        help: "Taken for RoadRunner's sake, whose profiler it starts; does nothing. See logs.level and tcp.pool.debug."
    )
    var debug = false

    @Flag(
        name: [.customShort("e"), .customLong("enable-experimental")],
        help: "Taken for RoadRunner's sake; does nothing: there are no experimental features."
    )
    var enablesExperimental = false

    func run() async throws {
        var console = Console()
        do {
            try await self.serve(&console)
        } catch {
            console.error("\(error)")
            throw ExitCode.failure
        }
    }

    /// - Parameter console: Replaced by the configuration's console once it is loaded.
    private func serve(_ console: inout Console) async throws {
        ProcessSignals.leaveWhenAsked()
        let environment = ProcessEnvironment.variables
        let loaded = try self.options.load(environment: environment)
        try loaded.checkFiles()
        console = Console(loaded.settings.logs)
        guard chdir(loaded.workDirectory) == 0 else {
            let reason = String(cString: strerror(errno))
            throw StartError(description: "cannot change to \(loaded.workDirectory): \(reason)")
        }
        let pidFile = self.writesPIDFile ? try PIDFile() : nil
        ProcessSignals.leaveWhenAsked { pidFile?.remove() }
        defer { pidFile?.remove() }
        let gateway = try Gateway(
            loaded,
            process: Gateway.Process(
                environment: environment.setting(loaded.environmentAdditions),
                workDirectory: loaded.workDirectory,
                eventLoops: loaded.eventLoops.number,
                isSilent: self.silent,
                serviceManager: ServiceManager { environment[$0] },
                cleanUp: { pidFile?.remove() }
            ),
            // The current directory has changed since, so both paths are absolute now.
            loadAgain: { [options] in
                let again = try options.load(
                    path: loaded.file, workDirectory: loaded.workDirectory, environment: environment)
                try again.checkFiles()
                return again
            }
        )
        try await gateway.run()
    }
}

/// The reason why the service could not be started, in one line.
private struct StartError: Error, CustomStringConvertible {
    var description: String
}
