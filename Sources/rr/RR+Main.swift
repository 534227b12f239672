import Application
import ArgumentParser
import Platform

extension RR {
    // Runs on the main thread, before another one exists.
    @MainActor static func main() async {
        // Must come first: no descriptor that is opened later may get the number of a standard one.
        StandardDescriptors.openClosedOnes()
        ProcessSignals.hold()
        guard DescriptorLimit.isEnoughToRun() else {
            Console().error("the limit of open descriptors is below 16, raise it (`ulimit -n 65536`)")
            self.exit(withError: ExitCode.failure)
        }
        NameService.useFilesAndDNS()
        do {
            let arguments = CommandArguments.canonical(Array(CommandLine.arguments.dropFirst()))
            var command = try await self.asyncParseAsRoot(arguments)
            // Those two have what must be put in order before the end.
            if !(command is Serve || command is Workers) {
                ProcessSignals.release()
            }
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            self.exit(withError: error)
        }
    }
}
