import Foundation
import Synchronization
import TestSupport
import Testing

/// Everything that goes wrong in months, in seconds. Each method is one who does so again and again.
final class Torture: Sendable {
    typealias Deed = @Sendable (Torture, inout SeededGenerator) throws -> Void

    let rr: RRProcess
    let isOver = Flag()
    private let counts = Mutex<[String: Int]>([:])

    init(_ rr: RRProcess) {
        self.rr = rr
    }

    /// Who takes part.
    private static let everybody: [Deed] =
        Array(repeating: { try $0.chat(&$1) }, count: 6) + [
            { try $0.leave(&$1) }, { try $0.endSending(&$1) }, { try $0.readSlowly(&$1) }, { try $0.pipeline(&$1) },
            { try $0.crowd(&$1) }, { try $0.hurtWorker(&$1) }, { try $0.signal(&$1) },
        ]

    func run(for duration: Duration, seed: UInt64) async {
        let deadline = Deadline(duration)
        await withTaskGroup { group in
            for (number, deed) in Self.everybody.enumerated() {
                group.addTask {
                    var random = SeededGenerator(seed: seed &+ UInt64(number) << 32)
                    while !deadline.hasPassed, !self.isOver.isSet {
                        do {
                            try deed(self, &random)
                        } catch {
                            Issue.record("TORTURE_SEED=\(seed), number \(number): \(error)")
                            self.isOver.set()
                        }
                    }
                }
            }
        }
    }

    func count(_ what: String) {
        self.counts.withLock { $0[what, default: 0] += 1 }
    }

    var tally: [String: Int] {
        self.counts.withLock { $0 }
    }

    var summary: String {
        self.tally.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }

    func rest(_ milliseconds: ClosedRange<Int>, _ random: inout SeededGenerator) {
        usleep(UInt32(1000 * random.pick(milliseconds)))
    }
}

// MARK: - What comes back

extension Torture {
    /// Reads what must come: all of it, or the start of it and the connection's end.
    ///
    /// - Returns: Whether the connection lives on.
    func expect(_ expected: Data, from client: Client, isLast: Bool = false) throws -> Bool {
        do {
            let answer = try isLast ? client.readToEnd() : client.read(expected.count)
            guard answer == expected || isLast && expected.starts(with: answer) else {
                throw WrongAnswer(got: answer, instead: expected)
            }
            self.count(answer.isEmpty ? "connections closed" : "answers")
            return !isLast
        } catch let error as UnexpectedEnd {
            guard expected.starts(with: error.received) else {
                throw WrongAnswer(got: error.received, instead: expected)
            }
            self.count("connections closed")
            return false
        }
    }

    /// Does something with a connection that the other side may end at any time.
    func withoutFear(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as SystemError where [ECONNRESET, EPIPE].contains(error.code) {
            self.count("connections reset")
        }
    }
}

struct WrongAnswer: Error, CustomStringConvertible {
    var got: Data
    var instead: Data

    var description: String {
        "a wrong answer, \(self.got.count) bytes, \(self.got.prefix(100).text), instead of \(self.instead.count), "
            + "\(self.instead.prefix(100).text)"
    }
}
