import Foundation
import TestSupport

extension Torture {
    /// Framing `merge` or `split`: whoever waits for each answer sees no difference.
    private func client(_ random: inout SeededGenerator) throws -> Client {
        try self.rr.client(random.chance(50) ? "main" : "split")
    }

    /// A client as it should be, but for what it asks.
    func chat(_ random: inout SeededGenerator) throws {
        let client = try self.client(&random)
        try self.withoutFear {
            for _ in 1...random.pick(1...20) {
                let request = TortureRequest(&random)
                try client.send(request.packet)
                let goesOn =
                    switch request.outcome {
                    case .answer(let data): try self.expect(data, from: client)
                    case .lastAnswer(let data): try self.expect(data, from: client, isLast: true)
                    case .anyLine: (try? client.readLine()) != nil
                    }
                guard goesOn else {
                    return
                }
                self.rest(0...3, &random)
            }
        }
        self.depart(client, &random)
    }

    private func depart(_ client: Client, _ random: inout SeededGenerator) {
        if random.chance(30) {
            client.reset()
        } else {
            client.close()
        }
    }

    /// Comes, says something or half of it, and is gone.
    func leave(_ random: inout SeededGenerator) throws {
        let client = try self.client(&random)
        try self.withoutFear {
            switch random.pick(0...3) {
            case 0: break
            case 1: try client.send("HALF A PACK")
            case 2: try client.send("HALF AN END\r")
            default: try client.send("sleep \(random.pick(0...50))\r\n")
            }
        }
        if random.chance(50) {
            self.rest(0...20, &random)
        }
        self.depart(client, &random)
        self.count("clients gone at once")
    }

    /// Ends its side, with or without a delimiter, and waits for the answer.
    func endSending(_ random: inout SeededGenerator) throws {
        let client = try self.client(&random)
        try self.withoutFear {
            let text = "LAST WORDS \(random.pick(0...999_999))" + (random.chance(50) ? "\r\n" : "")
            try client.send(text)
            try client.endSending()
            _ = try self.expect(Data(text.utf8), from: client, isLast: true)
        }
        self.rest(0...10, &random)
    }

    /// Reads a large answer in small pieces, or gives up in the middle of it.
    func readSlowly(_ random: inout SeededGenerator) throws {
        let client = try self.rr.client("main", receiveBuffer: 4096)
        let size = random.pick(100_000...3_000_000)
        let expected = Payload.pattern(size)
        let end = random.chance(40) ? random.pick(0...size) : size
        try self.withoutFear {
            try client.send("big \(size)\r\n")
            var position = 0
            while position < end, !self.isOver.isSet {
                let next = min(end, position + random.pick(1...100_000))
                guard try self.expect(expected[position..<next], from: client) else {
                    return
                }
                position = next
                self.rest(0...20, &random)
            }
        }
        self.depart(client, &random)
    }

    /// Does not wait for an answer before it asks again.
    func pipeline(_ random: inout SeededGenerator) throws {
        let client = try self.rr.client("split")
        let lines = (1...random.pick(2...100)).map { "PIPELINED \($0)\r\n" }.joined()
        try self.withoutFear {
            try client.send(lines)
            _ = try self.expect(Data(lines.utf8), from: client)
        }
        self.depart(client, &random)
        self.rest(0...20, &random)
    }

    /// Comes with more connections than `rr` has descriptors.
    func crowd(_ random: inout SeededGenerator) throws {
        self.rest(200...2500, &random)
        let clients = try (1...random.pick(50...400)).map { _ in try self.rr.client("main") }
        for client in clients where random.chance(20) {
            try self.withoutFear { try client.send("sleep 1\r\n") }
        }
        self.rest(0...300, &random)
        for client in clients {
            self.depart(client, &random)
        }
        self.count("crowds")
    }
}
