import Application
import ArgumentParser
import Configuration
import Glibc
import JSON
import NIOCore
import RPCClient

struct Reset: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Have a running server replace its workers.",
        discussion: """
            Asks the server at `rpc.listen` of the configuration, and waits until all workers are replaced, a few at a \
            time and without losing a request. Without an `rpc` section it finds the server as `rr stop` does, sends it \
            SIGUSR2 and does not wait.

            Examples:
              rr reset
              rr reset -c /srv/app/.rr.yaml
              kubectl exec POD -- rr reset

            Exit codes: 0 the workers are replaced (or, without `rpc`, will be), 1 not all are, or there is no server, \
            64 wrong usage.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .shortAndLong, help: "Print nothing but errors.")
    var silent = false

    @Argument(
        help: ArgumentHelp("Only the workers of these; without any, of all. There is `tcp`.", valueName: "plugin"),
        completion: .list(["tcp"])
    )
    var plugins: [String] = []

    func run() throws {
        // A server that runs can be signalled, whatever its file has become.
        let loaded = try? self.options.load(environment: ProcessEnvironment.variables)
        guard let rpc = loaded.flatMap({ RunningRPC($0) }) else {
            return try self.signal()
        }
        let failed: [String]
        do {
            failed = try self.reset(rpc)
        } catch {
            Console().error("\(error)")
            throw ExitCode.failure
        }
        for failure in failed {
            Console().error(failure)
        }
        guard failed.isEmpty else {
            throw ExitCode.failure
        }
    }

    /// - Returns: What went wrong: with one plugin the next is tried all the same.
    private func reset(_ rpc: RunningRPC) throws -> [String] {
        let client = try RPCClient(connectingTo: rpc.address)
        let all = try client.plugins("resetter.List")
        var failures: [String] = []
        for plugin in self.plugins.isEmpty ? all : self.plugins {
            guard all.contains(plugin) else {
                failures.append("no such plugin: \(plugin); there is \(all.joined(separator: ", "))")
                continue
            }
            self.tell("resetting plugin: [\(plugin)]")
            do {
                let time = TimeAmount.seconds(rpc.resetTime.components.seconds)
                _ = try client.call("resetter.Reset", .string(plugin), within: time)
                self.tell("plugin reset: [\(plugin)]")
            } catch {
                failures.append("\(plugin) was not reset: \(error)")
            }
        }
        return failures
    }

    private func tell(_ message: String) {
        if !self.silent {
            Console().info(message)
        }
    }

    private func signal() throws {
        if let other = self.plugins.first(where: { $0 != "tcp" }) {
            throw ValidationError("no such plugin: \(other); there is `tcp` only.")
        }
        try self.options.location.signal(silent: self.silent) { server in
            try server.reset()
            return "process \(server.pid) was asked to replace its workers (SIGUSR2)"
        }
    }
}
