import Application
import ArgumentParser
import Configuration
import Glibc
import JSON
import NIOCore
import RPCClient

struct Workers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "Show the workers of a running server.",
        discussion: """
            Asks the server at `rpc.listen` of the configuration.

            Examples:
              rr workers
              rr workers -i              once a second, until q or Ctrl-C
              rr workers --json | jq '.tcp[].memoryUsage'
              kubectl exec POD -- rr workers

            Exit codes: 0 all were shown, 1 the server cannot be reached or a call failed, 64 wrong usage.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .shortAndLong, help: "Show them again each second; q or Ctrl-C ends it.")
    var interactive = false

    @Flag(help: "Print JSON, a list of workers for each plugin.")
    var json = false

    @Argument(
        help: ArgumentHelp("Only of these; without any, of all that the server has.", valueName: "plugin"),
        completion: .list(["tcp"])
    )
    var plugins: [String] = []

    /// How long a server may take to answer.
    private static let patience = TimeAmount.seconds(10)

    func validate() throws {
        guard !(self.interactive && self.json) else {
            throw ValidationError("-i and --json exclude each other.")
        }
    }

    func run() throws {
        if !self.interactive {
            ProcessSignals.release()
        }
        do {
            let loaded = try self.options.load(environment: ProcessEnvironment.variables)
            guard let rpc = RunningRPC(loaded) else {
                throw RunningRPC.missing(in: loaded)
            }
            if self.interactive {
                try self.repaint(rpc)
            } else {
                try self.show(try RPCClient(connectingTo: rpc.address))
            }
        } catch {
            Console().error("\(error)")
            throw ExitCode.failure
        }
    }

    // MARK: Once

    private func show(_ client: RPCClient) throws {
        let answers = try self.ask(client)
        guard !self.json else {
            print(JSONValue.object(answers.map { JSONMember($0.plugin, $0.answer["workers"] ?? .null) }).text)
            return
        }
        for line in try Self.lines(answers, isColourful: Screen.isColourful) {
            print(line)
        }
    }

    private func ask(_ client: RPCClient) throws -> [(plugin: String, answer: JSONValue)] {
        let all = try client.plugins("informer.List")
        if let other = self.plugins.first(where: { !all.contains($0) }) {
            throw UnknownPlugin(description: "no such plugin: \(other); there is \(all.joined(separator: ", "))")
        }
        return try (self.plugins.isEmpty ? all : self.plugins).map {
            ($0, try client.call("informer.Workers", .string($0), within: Self.patience))
        }
    }

    private static func lines(_ answers: [(plugin: String, answer: JSONValue)], isColourful: Bool) throws -> [String] {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var lines: [String] = []
        for (plugin, answer) in answers {
            guard let table = WorkerTable(answer) else {
                throw UnknownPlugin(description: "informer.Workers answers no list of workers for \(plugin)")
            }
            if !table.isEmpty {
                lines.append("Workers of [\(isColourful ? "\u{1B}[33m\(plugin)\u{1B}[0m" : plugin)]:")
                lines += table.lines(now: Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9, isColourful: isColourful)
            }
        }
        return lines
    }

    // MARK: Again and again

    private func repaint(_ rpc: RunningRPC) throws {
        // What cannot be asked at the start is an error; later the server may be starting again.
        var client: RPCClient? = try RPCClient(connectingTo: rpc.address)
        var lines = try client.map { try Self.lines(try self.ask($0), isColourful: Screen.isColourful) } ?? []
        let screen = try Screen()
        defer { Screen.restore() }
        while true {
            screen.paint(lines, footer: "q: quit")
            guard screen.goesOn(within: .seconds(1)) else {
                return
            }
            do {
                let current = try client ?? RPCClient(connectingTo: rpc.address)
                lines = try Self.lines(try self.ask(current), isColourful: Screen.isColourful)
                client = current
            } catch {
                client = nil
                lines = ["\(error)"]
            }
        }
    }
}

/// In one line.
private struct UnknownPlugin: Error, CustomStringConvertible {
    var description: String
}

extension RPCClient {
    /// The plugins that a service of the server knows.
    func plugins(_ method: String) throws(Failure) -> [String] {
        let answer = try self.call(method, .bool(true), within: .seconds(10))
        return answer.elements?.compactMap(\.string).sorted() ?? []
    }
}
