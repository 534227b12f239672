import Foundation
import TestSupport

/// A request by chance, and what may come of it. That the connection is closed may come of each.
struct TortureRequest {
    enum Outcome {
        /// These bytes.
        case answer(Data)
        /// These bytes, and then the end.
        case lastAnswer(Data)
        /// A line, whatever it says.
        case anyLine
    }

    var packet: Data
    var outcome: Outcome

    private init(packet: Data, outcome: Outcome) {
        self.packet = packet
        self.outcome = outcome
    }

    private init(_ order: String, _ outcome: Outcome) {
        self.init(packet: Data("\(order)\r\n".utf8), outcome: outcome)
    }

    /// Ways for a worker to fail its client.
    private static let failures = [
        "exit 0", "exit 3", "kill", "garbage Warning: by mistake", "garbage-exit Fatal error", "garbage-answer Notice",
        "half", "half-exit", "optionless", "huge", "close-stdout", "orphan 0", "hang", "family", "stop",
        "error no luck",
        "close now",
    ]

    init(_ random: inout SeededGenerator) {
        switch random.pick(0...99) {
        case 0..<60:
            // From a byte to 256 KiB, the small ones as likely as the large ones.
            let size = 1 << random.pick(0...18)
            let packet = Self.letters(random.pick(size...(2 * size)), &random) + Data("\r\n".utf8)
            self.init(packet: packet, outcome: .answer(packet))
        case 60..<75:
            let text = "number \(random.pick(0...999_999))"
            self.init("write \(text)", .answer(Data("\(text)\r\n".utf8)))
        case 75..<83:
            self.init("sleep \(random.pick(0...200))", .answer(Data("slept\r\n".utf8)))
        case 83..<87:
            self.init("writeclose goodbye", .lastAnswer(Data("goodbye\r\n".utf8)))
        case 87..<89:
            self.init("flood 20000", .answer(Data("flooded\r\n".utf8)))
        case 89:
            self.init("eat 80", .anyLine)
        case 90:
            self.init("twice", .answer(Data("once\r\n".utf8)))
        case 91:
            self.init("exit-after this", .answer(Data("this\r\n".utf8)))
        case 92:
            self.init("adopted", .anyLine)
        default:
            self.init(Self.failures.randomElement(using: &random) ?? "", .lastAnswer(Data()))
        }
    }

    /// Capital letters, so that no verb is among them.
    private static func letters(_ count: Int, _ random: inout SeededGenerator) -> Data {
        var data = Data(capacity: count + 16)
        while data.count < count {
            var bits = random.next()
            for _ in 0..<16 {
                data.append(UInt8(ascii: "A") + UInt8(bits & 15))
                bits >>= 4
            }
        }
        return data.prefix(count)
    }
}
