import Application
import ArgumentParser

@main
struct RR: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rr",
        abstract: "Relays TCP connections to PHP workers, on RoadRunner's configuration.",
        version: "rr version \(Version.current)",
        subcommands: [Serve.self, Check.self, Health.self]
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
