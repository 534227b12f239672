import Foundation
import TestSupport
import Testing

extension Integration {
    /// Processes: how many there are at most, and that none gets away.
    @Suite struct Processes {
        @Test("However the only worker fails, again and again: never more processes than it and a successor")
        func bound() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let most = try await withThrowingTaskGroup(of: Int.self) { group in
                    group.addTask {
                        var most = 0
                        while !Task.isCancelled {
                            most = max(most, rr.workers.count)
                            usleep(1000)
                        }
                        return most
                    }
                    let orders = ["garbage x", "optionless", "exit 3", "kill", "half-exit", "close-stdout"]
                    for order in orders + orders {
                        let client = try rr.client()
                        try client.send("\(order)\r\n")
                        _ = try client.readToEnd()
                    }
                    for _ in 1...3 {
                        #expect(try rr.client().ask("twice") == "once")
                    }
                    #expect(try rr.client().ask("as ever") == "as ever")
                    group.cancelAll()
                    return try await group.next() ?? 0
                }
                #expect(most <= 2)
                try rr.awaitWholePool()
                try eventually("all that ended to be reaped") { ProcessTable.zombies(of: rr.pid).isEmpty }
            }
        }

        @Test("exec_ttl kills a worker that has left its process group, and burns processor time")
        func outsideItsGroup() async throws {
            try await withRR(Settings(workers: 1, pool: ["supervisor: {exec_ttl: 500ms}"])) { rr in
                let worker = try #require(rr.workers.first)
                let client = try rr.client()
                try client.send("stray-burn\r\n")
                try client.awaitEnd()
                try eventually("it to be gone") { !ProcessTable.isAlive(worker) }
                #expect(try rr.client().ask("next") == "next")
            }
        }

        @Test("exec_ttl kills what the worker has started, in a session of its own, too")
        func descendants() async throws {
            try await withRR(Settings(workers: 1, pool: ["supervisor: {exec_ttl: 500ms}"])) { rr in
                let worker = try #require(rr.workers.first)
                let client = try rr.client()
                try client.send("daemon-hang\r\n")
                try client.awaitEnd()
                let daemon = try #require(try rr.events.all.first { $0.event == "DAEMON" }).pid
                try eventually("both to be gone") {
                    !ProcessTable.isAlive(worker) && !ProcessTable.isAlive(daemon)
                }
                try eventually("both to be reaped", within: .seconds(15)) { kill(daemon, 0) != 0 }
            }
        }

        @Test("What a worker started in a session of its own outlives its planned end, but not the server")
        func daemon() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let worker = try #require(rr.workers.first)
                #expect(try rr.client().ask("daemon") == "started")
                let daemon = try #require(try rr.events.all.first { $0.event == "DAEMON" }).pid
                rr.process.send(signal: SIGUSR2)
                try eventually("the worker to be replaced") { !ProcessTable.isAlive(worker) }
                #expect(try rr.client().ask("next") == "next")
                #expect(ProcessTable.isAlive(daemon))
                try rr.stop()
                #expect(!ProcessTable.isAlive(daemon))
            }
        }

        @Test("What was there before rr lives on after it, also when its parent has ended")
        func inherited() async throws {
            let directory = try TemporaryDirectory()
            let gate = Gate(path: directory.file("gate"))
            let file = directory.file("pid")
            let wait = "while [ ! -e \(gate.path) ]; do sleep 0.02; done"
            let launcher = #"(sleep 600 & echo $! >\#(file); \#(wait)) & exec "$@""#
            var settings = try Settings(workers: 1)
            settings.launcher = ["/bin/sh", "-c", launcher, "sh"]
            try await withRR(settings, in: directory) { rr in
                let text = try String(contentsOfFile: file, encoding: .utf8)
                let innocent = try #require(pid_t(text.split(separator: "\n").first ?? ""))
                defer { kill(innocent, SIGKILL) }
                try gate.open()
                try eventually("it to be an orphan") { ProcessTable.children(of: rr.pid).contains(innocent) }
                rr.process.send(signal: SIGTERM)
                #expect(try rr.process.awaitExit() == .code(0))
                #expect(ProcessTable.isAlive(innocent))
            }
        }

        @Test("A second signal leaves nothing behind: no worker outside its group, nothing that one started")
        func forcedExit() async throws {
            try await withRR(Settings(workers: 2)) { rr in
                try rr.client().send("stray-burn\r\n")
                try rr.client().send("daemon-hang\r\n")
                try rr.events.await("DAEMON", count: 1)
                try rr.events.await("DATA", count: 2)
                rr.process.send(signal: SIGTERM)
                try rr.log.await("signal received")
                rr.process.send(signal: SIGTERM)
                try rr.expectExit(.code(1))
            }
        }

        @Test("The end of the grace period leaves nothing behind, either")
        func stop() async throws {
            try await withRR(Settings(workers: 1, more: "endure: {grace_period: 2s}")) { rr in
                try rr.client().send("stray-burn\r\n")
                try rr.events.await("DATA", count: 1)
                rr.process.send(signal: SIGTERM)
                try rr.expectExit(.code(1))
            }
        }
    }

    /// An event that no worker has read is another one's.
    @Suite struct UnreadEvents {
        /// Stops a worker. The signal takes effect some time after it was sent, and until then the worker may read.
        private static func stop(_ worker: pid_t) throws {
            kill(worker, SIGSTOP)
            try eventually("the worker to be stopped") {
                let stat = try String(contentsOfFile: "/proc/\(worker)/stat", encoding: .utf8)
                return stat.split(separator: ")").last?.hasPrefix(" T") == true
            }
        }

        /// Waits until a worker that is stopped has something to read.
        private static func awaitInput(of worker: pid_t) throws {
            try eventually("an event in the worker's input") {
                let pipe = try check(open("/proc/\(worker)/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open")
                defer { close(pipe) }
                var unread: CInt = 0
                return ioctl(pipe, UInt(FIONREAD), &unread) == 0 && unread > 0
            }
        }

        @Test("CONNECTED and DATA: the client notices nothing", arguments: ["CONNECTED", "DATA"])
        func served(event: String) async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let worker = try #require(rr.workers.first)
                let client: Client
                if event == "DATA" {
                    client = try rr.client()
                    #expect(try client.ask("before") == "before")
                    try Self.stop(worker)
                } else {
                    try Self.stop(worker)
                    client = try rr.client()
                }
                try client.send("hello\r\n")
                try Self.awaitInput(of: worker)
                kill(worker, SIGKILL)
                #expect(try client.readLine() == "hello")
                client.close()
                let expected = ["CONNECTED", "DATA"] + (event == "DATA" ? ["DATA"] : []) + ["CLOSE"]
                #expect(try rr.events.awaitClose(of: client) == expected)
            }
        }

        @Test("CLOSE is told to another worker")
        func closeEvent() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let worker = try #require(rr.workers.first)
                let client = try rr.client()
                #expect(try client.ask("before") == "before")
                try Self.stop(worker)
                client.close()
                try Self.awaitInput(of: worker)
                kill(worker, SIGKILL)
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
                #expect(try rr.events.of(client).last?.pid != worker)
            }
        }
    }
}
