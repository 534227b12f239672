import Foundation
import TestSupport
import Testing

/// A running `rr`, with its configuration in a directory of its own.
final class RRProcess: Sendable {
    let settings: Settings
    let directory: TemporaryDirectory
    let process: ChildProcess
    let events: EventLog
    private let tunnel: ChildProcess?
    /// Is in the environment of `rr`, and so of everything that it starts.
    private let marker: String
    private static let markerName = "INTEGRATION_TEST"

    init(_ settings: Settings, directory: TemporaryDirectory? = nil) throws {
        self.settings = settings
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        self.events = EventLog(path: directory.file("events"))
        let text = settings.yaml(events: self.events.path)
        let configuration = try settings.file ?? directory.write(text, to: ".rr.yaml")
        let marker = [Self.markerName: UUID().uuidString]
        self.marker = "\(Self.markerName)=\(marker[Self.markerName] ?? "")"
        self.tunnel = settings.file == nil ? try TLSTunnel.start(settings.servers) : nil
        self.process = try ChildProcess(
            settings.launcher + [try Fixture.binary()] + settings.leadingArguments
                + ["serve", "-c", configuration] + settings.arguments,
            environment: Command.environment.merging(settings.ownEnvironment) { $1 }.merging(marker) { $1 },
            directory: directory.path
        )
    }

    var pid: pid_t { self.process.pid }
    var log: LineLog { self.process.standardError }

    /// Waits until every listener is bound and the workers are there.
    func awaitReady() throws {
        do {
            try self.process.standardOutput.await("RoadRunner server started")
        } catch {
            throw StartFailure(reason: "\(error)", log: self.log.text)
        }
    }

    func client(_ server: String? = nil, receiveBuffer: Int? = nil, from source: String? = nil) throws -> Client {
        try Client(self.endpoint(server), receiveBuffer: receiveBuffer, from: source)
    }

    func endpoint(_ server: String? = nil) throws -> Endpoint {
        try #require(self.settings.servers.first { server == nil || $0.name == server }).endpoint
    }

    /// A name for a file that holds workers back ("wait FILE") until the test makes it.
    func gate() -> Gate {
        Gate(path: self.directory.file("gate-\(UUID())"))
    }

    /// Its children, but for those that are copies of itself yet, on their way to become a worker.
    var workers: Set<pid_t> {
        let own = ProcessTable.executable(of: self.pid)
        return ProcessTable.children(of: self.pid).filter { child in
            ProcessTable.executable(of: child).map { $0 != own } ?? false
        }
    }

    /// - Returns: those that were there
    @discardableResult
    func killWorkers() -> Set<pid_t> {
        let workers = self.workers
        for worker in workers {
            kill(worker, SIGKILL)
        }
        return workers
    }

    /// Waits until there are as many workers as there should be, none of them among those that are to be gone.
    func awaitWholePool(without gone: Set<pid_t> = [], within duration: Duration = Deadline.patience) throws {
        try eventually("\(self.settings.workers) workers", within: duration) {
            let workers = self.workers
            return workers.count == self.settings.workers && workers.isDisjoint(with: gone)
        }
    }

    /// Ends it as an operator does, and checks that it leaves nothing behind.
    func stop(_ signal: Int32 = SIGTERM, location: SourceLocation = #_sourceLocation) throws {
        self.process.send(signal: signal)
        try self.expectExit(.code(0), location: location)
    }

    func expectExit(
        _ exit: ChildProcess.Exit,
        within duration: Duration = Deadline.patience,
        location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try self.process.awaitExit(within: duration) == exit, sourceLocation: location)
        #expect(self.leftovers == [], "processes are left behind", sourceLocation: location)
        // SwiftNIO says so, and means to crash there one day.
        #expect(
            self.log.count(of: "Cannot schedule tasks") == 0, "a loop was used after its end", sourceLocation: location)
    }

    /// What it has started and what is alive still.
    var leftovers: Set<pid_t> {
        ProcessTable.marked(self.marker).subtracting([self.pid])
    }

    /// Ends everything that is still there, whatever has happened.
    func destroy() {
        self.process.send(signal: SIGKILL)
        _ = try? self.process.awaitExit()
        for pid in self.leftovers {
            kill(pid, SIGKILL)
        }
        self.tunnel?.send(signal: SIGKILL)
        if self.directory.isKept {
            _ = try? self.directory.write(self.log.text, to: "log")
        }
        self.directory.remove()
    }
}

/// Serves the settings while the body runs, and checks that `rr` then ends well and leaves nothing behind.
func withRR(
    _ settings: Settings,
    in directory: TemporaryDirectory? = nil,
    location: SourceLocation = #_sourceLocation,
    _ body: (RRProcess) async throws -> Void
) async throws {
    let rr = try RRProcess(settings, directory: directory)
    defer { rr.destroy() }
    do {
        try rr.awaitReady()
        try await body(rr)
        if !rr.process.hasExited {
            try rr.stop(location: location)
        }
    } catch {
        let end = rr.log.all.suffix(40).joined(separator: "\n")
        Issue.record("the log of rr ends with\n\(end)", sourceLocation: location)
        throw error
    }
}

struct StartFailure: Error, CustomStringConvertible {
    var reason: String
    var log: String

    var description: String {
        "rr does not start: \(self.reason)\n\(self.log)"
    }
}
