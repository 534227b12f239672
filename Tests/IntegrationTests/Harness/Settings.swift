import Foundation

/// A configuration file as a user would write it.
struct Settings {
    struct Server {
        var name = "main"
        var endpoint: Endpoint
        /// As written in the file, when it is not the endpoint's own.
        var address: String?
        /// More lines: `framing: split`.
        var options: [String] = []
        /// Where `rr` listens when the tests run over TLS: at the endpoint is the tunnel then.
        private let hidden: Endpoint?

        init(
            _ name: String = "main",
            at endpoint: Endpoint? = nil,
            address: String? = nil,
            _ options: String...
        ) throws {
            self.name = name
            self.endpoint = try endpoint ?? .free()
            self.address = address
            self.options = options
            self.hidden = TLSTunnel.isWanted ? try .free() : nil
        }

        /// The ports of its tunnel; `nil` if it has none.
        var tunnel: (from: Int, to: Int)? {
            guard case .ipv4(let from) = self.endpoint, case .ipv4(let to) = self.hidden, self.address == nil,
                !self.options.contains(where: { $0.hasPrefix("tls:") || $0.hasPrefix("proxy_protocol:") })
            else {
                return nil
            }
            return (from, to)
        }

        var lines: [String] {
            guard let tunnel else {
                return ["addr: \"\(self.address ?? self.endpoint.address)\""] + self.options
            }
            return ["addr: \"127.0.0.1:\(tunnel.to)\""] + TLSTunnel.options + self.options
        }
    }

    var servers: [Server]
    /// Lines of `tcp.pool`, after `num_workers`.
    var pool: [String] = []
    var workers = 2
    /// Lines of `server.env`.
    var environment: [String: String] = [:]
    /// As written in the file; the tests' own worker if there is none.
    var command: String?
    /// More lines of `server`.
    var server: [String] = []
    /// More lines of `tcp`.
    var tcp: [String] = []
    /// Whole sections, from column 0.
    var more = ""
    /// A configuration that is there already, in place of all of the above but the number of workers.
    var file: String?
    /// More of the environment of `rr` itself.
    var ownEnvironment: [String: String] = [:]
    /// What is put before `rr`: `prlimit` say.
    var launcher: [String] = []
    /// Arguments before `serve`.
    var leadingArguments: [String] = []
    /// Arguments after `serve -c FILE`.
    var arguments: [String] = []

    init(
        _ servers: Server...,
        workers: Int = 2,
        pool: [String] = [],
        environment: [String: String] = [:],
        more: String = ""
    ) throws {
        self.servers = servers.isEmpty ? [try Server()] : servers
        self.workers = workers
        self.pool = pool
        self.environment = environment
        self.more = more
    }

    /// `RR_TEST_PIPELINE_DEPTH`: the depth of all tests that do not ask for one, to run suites with another than the
    /// default.
    static let pipelineDepth = ProcessInfo.processInfo.environment["RR_TEST_PIPELINE_DEPTH"]

    private var pipeline: [String] {
        guard let depth = Self.pipelineDepth, !self.pool.contains(where: { $0.hasPrefix("pipeline:") }) else {
            return []
        }
        return ["pipeline: {depth: \(depth)}"]
    }

    func yaml(events: String) -> String {
        let quoted = self.environment.merging(["WORKER_EVENTS": events]) { own, _ in own }
            .sorted { $0.key < $1.key }
            .map { "    \($0.key): '\($0.value.replacing("'", with: "''"))'" }
        let servers = self.servers.flatMap { server in
            ["    \(server.name):"] + server.lines.map { "      \($0)" }
        }
        let lines =
            [
                "version: \"3\"",
                "server:",
                "  command: \(self.command ?? Fixture.workerCommand)",
                "  env:",
            ] + quoted + self.server.map { "  \($0)" }
            + ["tcp:"] + self.tcp.map { "  \($0)" } + ["  servers:"] + servers
            + ["  pool:", "    num_workers: \(self.workers)"] + (self.pool + self.pipeline).map { "    \($0)" }
        // Nobody here wants to wait for sessions that rest, but for who says so.
        let end = self.more.contains("endure:") ? [] : ["endure:", "  drain_idle: 100ms"]
        return (lines + end + [self.more]).joined(separator: "\n") + "\n"
    }
}

/// The files beside this one.
enum Fixture {
    /// The repository.
    static let root: String = {
        var url = URL(filePath: #filePath).resolvingSymlinksInPath()
        for _ in 1...4 {
            url.deleteLastPathComponent()
        }
        return url.path(percentEncoded: false).trimmingSuffix("/")
    }()

    static let directory = "\(Self.root)/Tests/IntegrationTests/Fixtures"

    /// The worker, as `server.command` takes it.
    static let workerCommand = "[php, -d, display_errors=stderr, \"\(Self.directory)/worker.php\"]"

    /// The `rr` under test.
    static func binary() throws -> String {
        let candidates =
            ProcessInfo.processInfo.environment["RR_BINARY"].map { [$0] }
            ?? ["\(Self.root)/.build/release/rr", "\(Self.root)/.build/debug/rr"]
        guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
            throw MissingBinary(candidates: candidates)
        }
        return path
    }
}

struct MissingBinary: Error, CustomStringConvertible {
    var candidates: [String]

    var description: String {
        "no rr at \(self.candidates.joined(separator: " or ")): build it (make release), or set RR_BINARY to its path"
    }
}

extension String {
    func trimmingSuffix(_ suffix: String) -> String {
        self.hasSuffix(suffix) ? String(self.dropLast(suffix.count)) : self
    }
}
