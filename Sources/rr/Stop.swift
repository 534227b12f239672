import Application
import ArgumentParser

struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the server of a directory.",
        discussion: """
            Reads the process id from .pid in the working directory, which `rr serve -p` writes, makes sure that this \
            process is an rr which serves there, asks it to end and waits until it has ended. Without the file it is \
            process 1 when that serves there, as in a container.

            Examples:
              rr stop
              rr stop -w /srv/app
              rr stop -f

            Exit codes: 0 the server has ended, 1 there is none, or it has not ended in time, 64 wrong usage.
            """
    )

    @OptionGroup var location: LocationOptions

    @Flag(name: .shortAndLong, help: "Do not wait for requests in flight: a second signal follows, in the end SIGKILL.")
    var force = false

    @Flag(name: .shortAndLong, help: "Print nothing but errors.")
    var silent = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How long to wait for the end; endure.grace_period should be less.", valueName: "seconds")
    )
    var timeout = 60

    func validate() throws {
        guard (1...86_400).contains(self.timeout) else {
            throw ValidationError("--timeout takes 1 to 86400 seconds.")
        }
    }

    func run() async throws {
        do {
            let server = try RunningService(servingIn: self.location.serverDirectory)
            if !self.silent {
                Console().info("stopping process with PID: \(server.pid)")
            }
            if self.force {
                try await server.stopAtOnce()
            } else {
                try await server.stop(within: .seconds(self.timeout))
            }
            if !self.silent {
                Console().info("process \(server.pid) has ended")
            }
        } catch {
            Console().error("\(error)")
            throw ExitCode.failure
        }
    }
}
