import Foundation
import Testing

extension Integration {
    /// No client gets another client's bytes, whatever happens to a worker's pipes.
    @Suite struct Isolation {
        /// How a worker loses its standard input while its standard output stays open.
        enum Loss: String, CaseIterable {
            /// It closes it between two requests.
            case closedWhileIdle = "close-stdin"
            /// It closes it instead of answering.
            case closedWhileBusy = "deaf"
            /// It is killed, and a helper that it started holds its standard output.
            case killed = "helper"
        }

        @Test("A worker loses its input, again and again: every client gets its own bytes", arguments: Loss.allCases)
        func lostInput(loss: Loss) async throws {
            try await withRR(Settings(workers: 2)) { rr in
                for round in 1...12 {
                    let victim = try rr.client()
                    let lost = try Self.lose(loss, victim, rr)
                    // They get the lowest numbers that are free, that of the pipe's end among them, and wait for events
                    // meant for the lost worker.
                    let crowd = try (1...6).map { _ in try rr.client() }
                    for (number, client) in crowd.enumerated() {
                        try client.send("round \(round) client \(number)\r\n")
                    }
                    for (number, client) in crowd.enumerated() {
                        do {
                            #expect(try client.readLine() == "round \(round) client \(number)")
                            #expect(client.isQuiet, "nothing but its own answer")
                        } catch let end as UnexpectedEnd where loss == .killed {
                            // Its event was given to the worker before the kill was noticed.
                            #expect(end.received.isEmpty, "not a byte of another one")
                        }
                    }
                    try rr.awaitWholePool(without: [lost])
                }
            }
        }

        /// - Returns: The worker that has lost its input.
        private static func lose(_ loss: Loss, _ client: Client, _ rr: RRProcess) throws -> pid_t {
            switch loss {
            case .closedWhileIdle:
                #expect(try client.ask("close-stdin") == "closing")
            case .closedWhileBusy:
                try client.send("deaf\r\n")
                try client.awaitEnd()
            case .killed:
                let worker = try #require(pid_t(try client.ask("helper")))
                kill(worker, SIGKILL)
                return worker
            }
            return try #require(try rr.events.of(client).last { $0.event == "DATA" }).pid
        }

        @Test("A busy worker that closes its input is given up at once, with its process")
        func deaf() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let client = try rr.client()
                try client.send("deaf\r\n")
                try client.awaitEnd()
                let worker = try #require(try rr.events.of(client).last { $0.event == "DATA" }).pid
                #expect(try rr.client().ask("the next one") == "the next one")
                try eventually("the deaf worker to be gone") { !ProcessTable.isAlive(worker) }
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("The answer that a worker wrote before it lost its input arrives, however large it is")
        func lastAnswer() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let client = try rr.client()
                try client.send("big-deaf 5000000\r\n")
                let answer = try client.read(5_000_000)
                #expect(answer.count == 5_000_000)
                #expect(try client.ask("and on") == "and on")
            }
        }
    }
}
