import Foundation
import Testing

extension Integration {
    /// What a worker's answer does to the connection: docs/protocol.md.
    @Suite struct Answers {
        @Test("WRITE and CONTINUE keep the connection")
        func keep() async throws {
            try await withRR(Settings()) { rr in
                let client = try rr.client()
                #expect(try client.ask("write one") == "one")
                try client.send("continue never seen\r\n")
                try rr.events.await("DATA", count: 2, of: client)
                #expect(try client.ask("write two") == "two")
                client.close()
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "DATA", "DATA", "CLOSE"])
            }
        }

        @Test(
            "WRITECLOSE, CLOSE and what is unknown end the connection",
            arguments: [
                ("writeclose bye", "bye\r\n"), ("close never seen", ""), ("context WHATEVER never seen", ""),
                ("context write never seen", ""),
            ]
        )
        func end(order: String, answer: String) async throws {
            try await withRR(Settings()) { rr in
                let client = try rr.client()
                try client.send("\(order)\r\n")
                #expect(try client.readToEnd().text == answer)
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("The last answer arrives although the client has sent more than will be read")
        func lastAnswerDespiteInput() async throws {
            try await withRR(Settings(.init("main", "framing: split"))) { rr in
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("\(gate.order)\r\nwriteclose bye\r\n\(String(repeating: "unread\r\n", count: 20_000))")
                try rr.events.await("DATA", count: 1, of: client)
                try gate.open()
                #expect(try client.readToEnd().text == "released\r\nbye\r\n")
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
            }
        }

        @Test("An ERROR frame is logged and closes the connection; the worker stays")
        func error() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let before = try rr.client().inspect().pid
                let client = try rr.client()
                try client.send("error the mailbox is on fire\r\n")
                #expect(try client.readToEnd().isEmpty)
                try rr.log.await("the mailbox is on fire")
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
                #expect(try rr.client().inspect().pid == before)
            }
        }

        @Test("12 clients, 100 round trips each at once, 5 workers: each answer is right and on its own connection")
        func manyClients() async throws {
            try await withRR(Settings(workers: 5)) { rr in
                try await withThrowingTaskGroup { group in
                    for number in 1...12 {
                        group.addTask {
                            let client = try rr.client()
                            for round in 1...100 {
                                let text = "client \(number) round \(round) \(String(repeating: "x", count: round * 7))"
                                #expect(try client.ask(text) == text)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try rr.events.await("CLOSE", count: 12)
                #expect(try rr.events.count("CONNECTED") == 12)
                #expect(try rr.events.count("DATA") == 1200)
                #expect(try rr.events.count("CLOSE") == 12)
                let pids = Set(try rr.events.all.filter { $0.event == "DATA" }.map(\.pid))
                #expect(pids.count > 1, "the work is shared")
                #expect(pids.isSubset(of: rr.workers), "nobody had to be replaced")
            }
        }
    }
}
