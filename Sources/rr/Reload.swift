import Application
import ArgumentParser

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the server of a directory take over its changed configuration.",
        discussion: """
            Finds the server as `rr stop` does, and sends it SIGHUP: it reads its configuration anew and replaces its \
            workers; when the file is bad nothing changes. The server's log tells which; `rr check` tells before.

            Examples:
              rr check && rr reload
              rr reload -w /srv/app
              kubectl exec POD -- rr reload

            Exit codes: 0 the server was asked, 1 there is none, or it may not be signalled, 64 wrong usage.
            """
    )

    @OptionGroup var location: LocationOptions

    @Flag(name: .shortAndLong, help: "Print nothing but errors.")
    var silent = false

    func run() throws {
        try self.location.signal(silent: self.silent) { server in
            try server.reload()
            return "process \(server.pid) was asked to reload its configuration (SIGHUP), its log tells how that went"
        }
    }
}
