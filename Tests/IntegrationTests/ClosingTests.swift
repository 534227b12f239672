import Foundation
import Testing

extension Integration {
    /// How connections end: the last answer is written, and exactly one CLOSE told.
    @Suite struct Closing {
        @Test("The end without a delimiter: the rest is a DATA, its answer arrives, one CLOSE, the socket is closed")
        func leftover() async throws {
            try await withRR(Settings()) { rr in
                let idle = try ProcessTable.descriptorCount(of: rr.pid)
                let client = try rr.client()
                try client.send("whole\r\n")
                #expect(try client.readLine() == "whole")
                try client.send("the rest")
                try client.endSending()
                #expect(try client.readToEnd().text == "the rest")
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
                #expect(try rr.events.of(client).map(\.length) == [0, 7, 8, 0])
                // While the client keeps its own end.
                try eventually("the descriptor to be closed") {
                    try ProcessTable.descriptorCount(of: rr.pid) == idle
                }
                client.close()
            }
        }

        @Test("The end with nothing left: no empty DATA", arguments: [false, true])
        func nothingLeft(afterPacket: Bool) async throws {
            try await withRR(Settings()) { rr in
                let client = try rr.client()
                if afterPacket {
                    #expect(try client.ask("a packet") == "a packet")
                }
                try client.endSending()
                #expect(try client.readToEnd().isEmpty)
                let events = try rr.events.awaitClose(of: client)
                #expect(events == (afterPacket ? ["CONNECTED", "DATA", "CLOSE"] : ["CONNECTED", "CLOSE"]))
            }
        }

        @Test("A half-closed client gets the answer to its last request")
        func halfClose() async throws {
            try await withRR(Settings()) { rr in
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("\(gate.order)\r\n")
                try client.endSending()
                try rr.events.await("DATA", count: 1, of: client)
                #expect(client.isQuiet)
                try gate.open()
                #expect(try client.readToEnd().text == "released\r\n")
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("Packets and a rest that wait behind a request are answered after the client's end")
        func queuedBehindRequest() async throws {
            try await withRR(Settings(.init("main", "framing: split"))) { rr in
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("\(gate.order)\r\nsecond\r\nthird\r\nrest")
                try client.endSending()
                try rr.events.await("DATA", count: 1, of: client)
                try gate.open()
                #expect(try client.readToEnd().text == "released\r\nsecond\r\nthird\r\nrest")
                #expect(
                    try rr.events.awaitClose(of: client)
                        == ["CONNECTED", "DATA", "DATA", "DATA", "DATA", "CLOSE"]
                )
            }
        }

        @Test("A client that leaves during its request costs nothing but the answer", arguments: [false, true])
        func leavesDuringRequest(withReset: Bool) async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let worker = try rr.client().inspect().pid
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                if withReset {
                    client.reset()
                } else {
                    client.close()
                }
                try gate.open()
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
                #expect(try rr.client().inspect().pid == worker)
            }
        }

        @Test("Every connection gets exactly one CLOSE, however it ends")
        func exactlyOne() async throws {
            try await withRR(Settings(workers: 3)) { rr in
                var clients: [Client] = []
                for number in 0..<60 {
                    let client = try rr.client()
                    clients.append(client)
                    switch number % 6 {
                    case 0: client.close()
                    case 1: client.reset()
                    case 2: try client.send("close\r\n")
                    case 3:
                        try client.send("rest without end")
                        client.close()
                    case 4:
                        try client.send("writeclose bye\r\n")
                        client.close()
                    default:
                        try client.send("a packet\r\n")
                        client.reset()
                    }
                }
                try eventually("as many CLOSE as CONNECTED") {
                    let connected = try rr.events.count("CONNECTED")
                    return try connected > 0 && rr.events.count("CLOSE") == connected
                }
                // A later client: whatever came from the others is over then.
                #expect(try rr.client().ask("over") == "over")
                try rr.stop()
                for client in clients {
                    let events = try rr.events.of(client).map(\.event)
                    #expect(events.count { $0 == "CLOSE" } == events.count { $0 == "CONNECTED" })
                    #expect(events.isEmpty || events.last == "CLOSE")
                }
            }
        }

        @Test("A large last answer is not cut for a client that goes on sending")
        func largeLastAnswer() async throws {
            let environment = ["WORKER_DATA": "context WRITECLOSE \(Self.filler)"]
            try await withRR(Settings(.init("main", "framing: split"), environment: environment)) { rr in
                let client = try rr.client()
                try client.send("go\r\n")
                // More than anybody will read, while the answer is on its way.
                _ = try? client.sendWhatGoes(Data(repeating: 0x78, count: 100_000), atMost: 20)
                #expect(try client.readToEnd().count == Self.filler.utf8.count)
                try client.endSending()
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        private static let filler = String(repeating: "0123456789", count: 10_000)
    }
}
