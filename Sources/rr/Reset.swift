import Application
import ArgumentParser

struct Reset: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Have the server of a directory replace its workers.",
        discussion: """
            Finds the server as `rr stop` does, and sends it SIGUSR2: it replaces its workers, a few at a time, without \
            losing a request.

            Examples:
              rr reset
              rr reset -w /srv/app
              kubectl exec POD -- rr reset

            Exit codes: 0 the server was asked, 1 there is none, or it may not be signalled, 64 wrong usage.
            """
    )

    @OptionGroup var location: LocationOptions

    @Flag(name: .shortAndLong, help: "Print nothing but errors.")
    var silent = false

    @Argument(help: ArgumentHelp("As with RoadRunner; there is `tcp` only.", valueName: "plugin"))
    var plugins: [String] = []

    func validate() throws {
        if let other = self.plugins.first(where: { $0 != "tcp" }) {
            throw ValidationError("no such plugin: \(other); there is `tcp` only.")
        }
    }

    func run() throws {
        try self.location.signal(silent: self.silent) { server in
            try server.reset()
            return "process \(server.pid) was asked to replace its workers (SIGUSR2)"
        }
    }
}
