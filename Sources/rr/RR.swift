import Application
import ArgumentParser

@main
struct RR: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rr",
        abstract: "Relays TCP connections to PHP workers, on RoadRunner's configuration.",
        discussion: """
            Listens on the addresses of tcp.servers in .rr.yaml, keeps a pool of PHP workers, and hands them what \
            happens on each connection.

            Examples:
              rr serve                   start with ./.rr.yaml, until Ctrl-C
              rr serve -c app.yaml -p    another file; write .pid for `rr stop`
              rr check                   is it valid, and what is in effect?
              rr check --explain         and where does each value come from?
              rr workers                 what the workers do
              rr reset                   replace them, for new code
              rr reload                  have the server of this directory take over a changed configuration
              rr stop                    stop it

            Options may also stand before the command, as with RoadRunner: rr -c app.yaml serve.

            Every key can also be set by a variable, RR_TCP_POOL_NUM_WORKERS=8, or by an option, \
            -o tcp.pool.num_workers=8.

            Exit codes: 0 all is well, also after a clean stop; 1 an error, told on standard error; 64 wrong usage.
            """,
        version: "rr version \(Version.current)",
        subcommands: [
            Serve.self, Check.self, Workers.self, Reset.self, Reload.self, Stop.self, Health.self, ShowVersion.self,
            Completion.self, RunAs.self,
        ]
    )

    @Flag(name: .customShort("v"), help: "Show the version.")
    var showVersion = false

    func run() async throws {
        guard self.showVersion else {
            throw CleanExit.helpRequest(self)
        }
        print(Self.configuration.version)
    }
}
