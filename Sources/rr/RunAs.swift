import ArgumentParser
import WorkerProcess

/// See `Credentials.execute(_:)`.
struct RunAs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Credentials.command,
        abstract: "Run a command as another user; for the server itself.",
        shouldDisplay: false
    )

    @Argument var userID: UInt32
    @Argument var groupID: UInt32
    @Argument(parsing: .postTerminator) var command: [String]

    func run() throws {
        try Credentials(userID: self.userID, groupID: self.groupID).execute(self.command)
    }
}
