import Foundation
import TestSupport
import Testing

extension Integration {
    /// Workers that do not answer every event, and workers that say more than an answer.
    @Suite struct Unanswered {
        /// Workers as PHP's documentation of RoadRunner has them: a CLOSE gets no answer.
        private static let silentClose = ["WORKER_CLOSE": "silent"]

        @Test("A CLOSE needs no answer: clients come and go, and rr stops as ever", arguments: ["pipes", "unix"])
        func close(relay: String) async throws {
            let directory = try TemporaryDirectory()
            var settings = try Settings(workers: 2, environment: Self.silentClose)
            settings.server = relay == "unix" ? ["relay: unix://\(directory.file("relay.sock"))"] : []
            try await withRR(settings, in: directory) { rr in
                let workers = rr.workers
                for number in 1...60 {
                    let client = try rr.client()
                    #expect(try client.ask("client \(number)") == "client \(number)")
                    client.close()
                }
                try rr.events.await("CLOSE", count: 60)
                #expect(rr.workers == workers, "none was replaced")
            }
        }

        @Test("A CLOSE that is answered sometimes only holds nobody up")
        func mixedClose() async throws {
            // An answer that comes late is none that is missing.
            try await withRR(Settings(workers: 1, environment: ["WORKER_CLOSE": "sleep 300"])) { rr in
                let workers = rr.workers
                for number in 1...4 {
                    let client = try rr.client()
                    #expect(try client.ask("client \(number)") == "client \(number)")
                    client.close()
                }
                try rr.events.await("CLOSE", count: 4)
                #expect(try rr.client().ask("in order") == "in order")
                #expect(rr.workers == workers, "none was replaced")
            }
        }

        @Test("A forgotten answer is told and counts as CONTINUE: client and worker go on")
        func forgotten() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let workers = rr.workers
                let client = try rr.client()
                try client.send("silent\r\n")
                try rr.log.await("has not answered an event")
                #expect(try client.ask("next") == "next")
                client.close()
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
                #expect(rr.log.count(of: "has not answered an event") == 1)
                #expect(rr.workers == workers)
            }
        }

        @Test("A forgotten answer to CONNECTED, too")
        func forgottenConnected() async throws {
            try await withRR(Settings(workers: 1, environment: ["WORKER_CONNECTED": "silent"])) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
            }
        }

        @Test(
            "A slow handler has not forgotten its answer, whatever its worker makes of a probe",
            arguments: [
                "reply", "ignore", "exit",
            ])
        func slow(control: String) async throws {
            try await withRR(Settings(workers: 1, environment: ["WORKER_CONTROL": control])) { rr in
                let client = try rr.client()
                for _ in 1...3 {
                    #expect(try client.ask("sleep 1500") == "slept")
                    #expect(try client.ask("and on") == "and on")
                }
                #expect(!rr.log.contains("has not answered"))
            }
        }

        @Test(
            "An error behind an answer is the worker's message: the client has its answer, the worker stays",
            arguments: [
                "answer-error", "answer-late-error",
            ])
        func lateError(order: String) async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let workers = rr.workers
                let (one, other) = (try rr.client(), try rr.client())
                for number in 1...5 {
                    try one.send("\(order) one \(number)\r\n")
                    try other.send("other \(number)\r\n")
                    #expect(try one.readLine() == "one \(number)")
                    #expect(try other.readLine() == "other \(number)", "not the error of another one's event")
                    try rr.log.await("late: one \(number)")
                }
                #expect(rr.workers == workers, "none was replaced")
                #expect(!rr.log.contains("STDOUT"))
            }
        }

        @Test("An error alone is an answer: the client is closed, the worker stays", arguments: ["reply", "ignore"])
        func errorAlone(control: String) async throws {
            try await withRR(Settings(workers: 1, environment: ["WORKER_CONTROL": control])) { rr in
                var workers = rr.workers
                for round in 1...5 {
                    let client = try rr.client()
                    try client.send("error no luck\r\n")
                    try client.awaitEnd()
                    #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
                    if control == "ignore", round <= 3 {
                        // For all that is known it is still at work. After three of them none is thought to reply.
                        try rr.awaitWholePool(without: workers)
                        workers = rr.workers
                    }
                }
                try rr.log.await("no luck")
                #expect(rr.workers == workers)
            }
        }

        @Test("A late error, and a slow event behind it: nobody else gets its answer", arguments: [true, false])
        func lateErrorBeforeSlowEvent(isKnownToReply: Bool) async throws {
            try await withRR(Settings(.init("main", "framing: split"), workers: 1)) { rr in
                if isKnownToReply {
                    try rr.client().send("silent\r\n")
                    try rr.log.await("has not answered an event")
                }
                let (slow, next) = (try rr.client(), try rr.client())
                try slow.send("answer-late-error one\r\nsleep 2500\r\n")
                #expect(try slow.readLine() == "one")
                try rr.events.await("DATA", count: 2, of: slow)
                #expect(try next.ask("its own") == "its own")
                #expect(next.isQuiet)
                if isKnownToReply {
                    #expect(try slow.readLine() == "slept")
                } else {
                    // It may be an error that is an answer: nothing tells, so the worker is not trusted any more.
                    try slow.awaitEnd()
                }
            }
        }

        @Test("An error that answers a CLOSE is logged")
        func errorAtClose() async throws {
            let environment = ["WORKER_CLOSE": "error no luck at the end"]
            try await withRR(Settings(workers: 1, environment: environment)) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                client.close()
                try rr.log.await("no luck at the end", "event=CLOSE")
                #expect(try rr.client().ask("and on") == "and on")
            }
        }

        @Test("Part of a frame behind an answer, and no more: the client has its answer, the next one another worker")
        func partBehindAnswer() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let client = try rr.client()
                #expect(try client.ask("answer-part this") == "this")
                #expect(try client.ask("and on") == "and on")
                #expect(Set(try rr.events.of(client).filter { $0.event == "DATA" }.map(\.pid)).count == 2)
            }
        }
    }
}
