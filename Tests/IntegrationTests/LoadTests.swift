import Foundation
import Testing

extension Integration {
    /// Many connections, slow ones, and too many.
    @Suite struct Load {
        private static let quiet = "logs:\n  level: info"

        @Test("10,000 idle connections: under 4 KiB of memory each, and a CLOSE each when they leave")
        func idleConnections() async throws {
            let count = try raiseDescriptorLimit(for: 10_000)
            #expect(count >= 5000, "the limit of open descriptors leaves too few for this test")
            var settings = try Settings(workers: 4, more: Self.quiet)
            // The soft limit that most systems start processes with: rr is to raise it.
            settings.launcher = ["/usr/bin/prlimit", "--nofile=1024:"]
            try await withRR(settings) { rr in
                for _ in 1...100 {
                    #expect(try rr.client().ask("warm") == "warm")
                }
                try rr.events.await("CLOSE", count: 100)
                let before = try ProcessTable.residentMemory(of: rr.pid)

                let endpoint = try rr.endpoint()
                let descriptors = try (0..<count).map { _ in try endpoint.connectedSocket() }
                defer {
                    for descriptor in descriptors {
                        close(descriptor)
                    }
                }
                try rr.events.await("CONNECTED", count: 100 + count)
                let each = (try ProcessTable.residentMemory(of: rr.pid) - before) / count
                #expect(each < 4096, "\(each) bytes a connection")
                print("idle connections: \(count), \(each) bytes of rr's memory each")

                // With all of them connected, another client is still served.
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                client.close()
                for descriptor in descriptors {
                    shutdown(descriptor, Int32(SHUT_RDWR))
                }
                try rr.events.await("CLOSE", count: 101 + count)
                try rr.stop()
                let closed = try rr.events.all.filter { $0.event == "CLOSE" }
                #expect(closed.count == 101 + count)
                #expect(Set(closed.map(\.uuid)).count == 101 + count)
            }
        }

        @Test("Connections that have been busy cost no more than others once they are idle", arguments: [10, 200_000])
        func idleAfterPackets(size: Int) async throws {
            try await withRR(Settings(environment: ["WORKER_DATA": "sha256"], more: Self.quiet)) { rr in
                let packet = Payload.random(size)
                let count = 1000
                for _ in 1...100 {
                    let client = try rr.client()
                    try client.send(packet)
                    _ = try client.readLine()
                }
                try rr.events.await("CLOSE", count: 100)
                let before = try ProcessTable.residentMemory(of: rr.pid)
                let clients = try (0..<count).map { _ in try rr.client() }
                for client in clients {
                    try client.send(packet)
                    #expect(try client.readLine().hasPrefix("\(size) "))
                }
                let each = (try ProcessTable.residentMemory(of: rr.pid) - before) / count
                #expect(each < 4096, "\(each) bytes a connection")
                try rr.stop()
                #expect(try rr.events.count("CLOSE") == 100 + count)
            }
        }

        @Test("Out of descriptors: said once, waited, and gone on when there are some again")
        func outOfDescriptors() async throws {
            var settings = try Settings(workers: 1)
            settings.launcher = ["/usr/bin/prlimit", "--nofile=64:64"]
            try await withRR(settings) { rr in
                let clients = try (0..<90).map { _ in try rr.client() }
                for client in clients {
                    try client.send("hello\r\n")
                }
                // Either the limit that leaves some for workers is reached first, or all are gone.
                let message = try rr.log.await("a line that says so") { line in
                    line.contains("cannot accept") || line.contains("too many connections")
                }
                #expect(message.contains("descriptors") || message.contains("Too many open files"))
                // Those that got in are served; the others wait in the backlog.
                try eventually("everybody to be served who can be") {
                    try rr.events.count("DATA") == rr.events.count("CONNECTED") && rr.events.count("CONNECTED") > 10
                }
                let served = try rr.events.count("CONNECTED")
                #expect(served < 90)
                let busy = try ProcessTable.processorTime(of: rr.pid)
                usleep(1_000_000)
                #expect(try ProcessTable.processorTime(of: rr.pid) - busy < .milliseconds(300), "it spins")
                #expect(rr.log.count(of: "cannot accept") + rr.log.count(of: "too many connections") <= 3)

                // Each that leaves makes room.
                for client in clients {
                    #expect(try client.readLine() == "hello")
                    client.close()
                }
                try rr.events.await("CLOSE", count: 90)
                #expect(try rr.client().ask("as ever") == "as ever")
                try rr.stop()
                #expect(try rr.events.count("CONNECTED") == 91)
                #expect(try rr.events.count("CLOSE") == 91)
                #expect(rr.log.count(of: "cannot accept") <= 10)
            }
        }

        @Test("A client that does not read gets no further event until it does, costs little, and holds up nobody")
        func slowClient() async throws {
            try await withRR(Settings(.init("main", "framing: split"), workers: 2)) { rr in
                #expect(try rr.client().ask("warm") == "warm")
                let before = try ProcessTable.residentMemory(of: rr.pid)
                let slow = try rr.client(receiveBuffer: 4096)
                let size = 4_000_000
                let answers = 20
                try slow.send(String(repeating: "big \(size)\r\n", count: answers))
                try rr.events.await("DATA", count: 1, of: slow)

                let other = try rr.client()
                for round in 1...200 {
                    #expect(try other.ask("round \(round)") == "round \(round)")
                }
                let told = try rr.events.of(slow).count
                for round in 1...200 {
                    #expect(try other.ask("round \(round)") == "round \(round)")
                }
                #expect(try rr.events.of(slow).count == told, "events go on although nothing is read")
                #expect(told < 6)
                let growth = try ProcessTable.residentMemory(of: rr.pid) - before
                #expect(growth < 8 * size, "\(growth) bytes")

                let expected = Payload.pattern(size)
                for number in 1...answers {
                    #expect(try slow.read(size) == expected, "answer \(number)")
                }
                #expect(try slow.ask("quick again") == "quick again")
            }
        }

        @Test("A slow client that goes away leaves nothing behind", arguments: [false, true])
        func slowClientLeaves(withReset: Bool) async throws {
            try await withRR(Settings()) { rr in
                let idle = try ProcessTable.descriptorCount(of: rr.pid)
                let slow = try rr.client(receiveBuffer: 4096)
                try slow.send("big 20000000\r\n")
                _ = try slow.read(1000)
                if withReset {
                    slow.reset()
                } else {
                    slow.close()
                }
                #expect(try rr.events.awaitClose(of: slow) == ["CONNECTED", "DATA", "CLOSE"])
                try eventually("the descriptor to be closed") {
                    try ProcessTable.descriptorCount(of: rr.pid) == idle
                }
            }
        }

        @Test("Memory that many slow clients took is the system's again when they are gone")
        func memoryAfterSlowClients() async throws {
            try await withRR(Settings(.init("main", "framing: split"), workers: 2, more: Self.quiet)) { rr in
                #expect(try rr.client().ask("warm") == "warm")
                let before = try ProcessTable.residentMemory(of: rr.pid)
                let slow = try (0..<50).map { _ in try rr.client(receiveBuffer: 4096) }
                for client in slow {
                    try client.send("big 4000000\r\n")
                }
                try eventually("memory for what nobody reads") {
                    try ProcessTable.residentMemory(of: rr.pid) > before + 100 << 20
                }
                let last = try rr.client()
                #expect(try last.ask("hello") == "hello")
                for client in slow {
                    client.reset()
                }
                try eventually("the memory to be given back", within: .seconds(60)) {
                    try ProcessTable.residentMemory(of: rr.pid) < before + 48 << 20
                }
                #expect(try last.ask("still here") == "still here")
            }
        }

        @Test("A client that sends without end while its request runs is not read without end")
        func floodingClient() async throws {
            try await withRR(Settings(.init("main", "framing: split"), workers: 2, more: Self.quiet)) { rr in
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                let before = try ProcessTable.residentMemory(of: rr.pid)
                let line = Data(String(repeating: "f", count: 998).utf8) + Data("\r\n".utf8)
                let lines = Data((0..<1000).flatMap { _ in line })
                let sent = try client.sendWhatGoes(lines, atMost: 200)
                #expect(sent < 200 * lines.count, "the kernel's buffers and one read buffer are all there is")
                let growth = try ProcessTable.residentMemory(of: rr.pid) - before
                #expect(growth < 8 << 20, "\(growth) bytes")
                #expect(try rr.client().ask("hello") == "hello")
                try gate.open()
                #expect(try client.readLine() == "released")
                // Accepted lines are answered one by one.
                for _ in 0..<100 {
                    #expect(try client.read(line.count) == line)
                }
                client.reset()
                _ = try rr.events.awaitClose(of: client)
            }
        }
    }
}
