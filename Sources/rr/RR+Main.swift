import Application
import ArgumentParser

extension RR {
    // On the main thread, before there is another one.
    @MainActor static func main() async {
        ProcessSignals.hold()
        do {
            var command = try await self.asyncParseAsRoot()
            if !(command is Serve) {
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
