import Foundation
import Synchronization
import TestSupport
import Testing

/// Clients of the fuzz worker. Any of its answers may be wrong, late or missing; but none may have a byte of another
/// client's, nor one of what `rr` and its workers say to each other.
final class Fuzz: Sendable {
    let rr: RRProcess
    let isOver = Flag()
    private let counts = Mutex<[String: Int]>([:])
    private let issued = Mutex<Set<FuzzName>>([])

    init(_ rr: RRProcess) {
        self.rr = rr
    }

    func run(clients: Int, for duration: Duration, seed: UInt64) async {
        let deadline = Deadline(duration)
        await withTaskGroup { group in
            for number in 1...clients {
                group.addTask {
                    var random = SeededGenerator(seed: seed &+ UInt64(number) << 32)
                    while !deadline.hasPassed, !self.isOver.isSet {
                        do {
                            try random.chance(20) ? self.burst(&random) : self.visit(&random)
                        } catch {
                            Issue.record("TORTURE_SEED=\(seed), client \(number): \(error)")
                            self.isOver.set()
                        }
                    }
                }
            }
            group.addTask {
                var random = SeededGenerator(seed: seed)
                while !deadline.hasPassed, !self.isOver.isSet {
                    usleep(UInt32(random.pick(200...3000)) * 1000)
                    self.rr.process.send(signal: SIGUSR2)
                    self.count("resets")
                }
            }
        }
    }

    var tally: [String: Int] {
        self.counts.withLock { $0 }
    }

    func count(_ what: String) {
        self.counts.withLock { $0[what, default: 0] += 1 }
    }
}

// MARK: - A visit

extension Fuzz {
    private func visit(_ random: inout SeededGenerator) throws {
        let name = self.newName(&random)
        let isSplit = random.chance(50)
        let client = try self.rr.client(isSplit ? "split" : "main")
        if random.chance(30) {
            // Nobody says anything to it before it has said something.
            let (bytes, _) = try client.readWhatComes(atMost: 1 << 20, within: .milliseconds(random.pick(0...1000)))
            try self.check(bytes, of: name, isRight: false)
        }
        do {
            try self.converse(client, as: name, isSplit: isSplit, &random)
        } catch let error as SystemError where [ECONNRESET, EPIPE].contains(error.code) {
            // What came before is there yet.
            try self.leave(client, as: name, slowly: true)
        }
        if random.chance(30) {
            client.reset()
        } else {
            client.close()
        }
        self.count("visits")
    }

    private func newName(_ random: inout SeededGenerator) -> FuzzName {
        let name = FuzzName(&random)
        self.issued.withLock { _ = $0.insert(name) }
        return name
    }

    /// More clients at once than there are workers: they get the numbers of descriptors that were just closed.
    private func burst(_ random: inout SeededGenerator) throws {
        let clients = try (1...20).map { _ in (self.newName(&random), try self.rr.client("main")) }
        for (name, client) in clients {
            try? client.send(name.packet(0, size: 64))
        }
        for (name, client) in clients {
            let request = name.packet(0, size: 64)
            let (answer, _) = try client.readWhatComes(atMost: request.count, within: .milliseconds(300))
            try self.check(answer, of: name, isRight: request.starts(with: answer))
            self.count(answer == request ? "right answers" : "missing answers")
            client.close()
        }
        self.count("bursts")
    }

    private func converse(
        _ client: Client,
        as name: FuzzName,
        isSplit: Bool,
        _ random: inout SeededGenerator
    ) throws {
        var number = 0
        while number < random.pick(0...8) {
            // Several at once where each is an event of its own.
            let count = isSplit && random.chance(20) ? random.pick(2...10) : 1
            let packets = (0..<count).map { name.packet(number + $0, size: 1 << random.pick(4...16)) }
            number += count
            let request = Data(packets.joined())
            if random.chance(5) {
                // Its title, and not its end.
                try client.send(request.prefix(random.pick(24...max(24, request.count - 1))))
                break
            }
            try client.send(request)
            if random.chance(10) {
                try client.endSending()
            }
            let patience = random.chance(20) ? random.pick(0...20) : random.pick(100...1500)
            let (answer, isOpen) = try client.readWhatComes(
                atMost: request.count, within: .milliseconds(patience))
            try self.check(answer, of: name, isRight: request.starts(with: answer))
            if answer == request {
                self.count("right answers")
            } else if !request.starts(with: answer) {
                self.count("wrong answers")
            } else if isOpen {
                self.count("missing answers")
            } else {
                self.count("connections closed")
            }
            guard answer == request, isOpen else {
                break
            }
        }
        try self.leave(client, as: name, slowly: random.chance(40))
    }

    /// Looks at what comes beyond an answer.
    private func leave(_ client: Client, as name: FuzzName, slowly: Bool) throws {
        if slowly {
            try? client.endSending()
        }
        let (rest, _) = try client.readWhatComes(atMost: 1 << 20, within: slowly ? .milliseconds(300) : .zero)
        try self.check(rest, of: name, isRight: rest.isEmpty)
    }

    /// - Parameter isRight: Whether it is what was expected.
    private func check(_ bytes: Data, of name: FuzzName, isRight: Bool) throws {
        guard !isRight else {
            return
        }
        let others = FuzzName.all(in: bytes).subtracting([name])
        let foreign = self.issued.withLock { others.intersection($0) }.map(\.description)
        // What a worker is told; a fuzz worker never says any of it.
        let words = [#""remote_addr""#, #""uuid""#, #"{"stop":true}"#, #"{"pid":\#(self.rr.pid)}"#]
            .filter { bytes.range(of: Data($0.utf8)) != nil }
        guard foreign.isEmpty, words.isEmpty else {
            throw ForeignBytes(of: name, found: foreign + words, bytes: bytes)
        }
    }
}

struct ForeignBytes: Error, CustomStringConvertible {
    var of: FuzzName
    var found: [String]
    var bytes: Data

    var description: String {
        "client \(self.of) got bytes that are not its own, \(self.found.prefix(5)), among \(self.bytes.count): "
            + self.bytes.prefix(600).text
    }
}
