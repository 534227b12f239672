import Glibc

/// A connection's uuid: random, version 4 (RFC 9562), in lower case.
///
/// Its last ten bits are the index of the connection's event loop. A uuid thus leads to its loop directly: loops share
/// no state about connections and need no lock. 112 bits stay random, so that no uuid occurs twice.
package struct ConnectionID: Sendable, Hashable {
    /// Length of the text.
    static let length = 36

    private let high: UInt64
    private let low: UInt64

    /// - Parameters:
    ///   - random: 128 random bits.
    ///   - loopIndex: Less than 1024; a connection of a loop beyond could not be found.
    init(random: (UInt64, UInt64), loopIndex: Int) {
        self.high = random.0 & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.1 & 0x3FFF_FFFF_FFFF_FC00 | 0x8000_0000_0000_0000
        self.low = low | UInt64(truncatingIfNeeded: loopIndex) & 0x3FF
    }

    /// Reads the text of a uuid, in either case.
    package init?(_ text: some StringProtocol) {
        var words: (UInt64, UInt64) = (0, 0)
        var position = 0
        for byte in text.utf8 {
            guard position < Self.length else {
                return nil
            }
            if Self.isHyphen(position) {
                guard byte == UInt8(ascii: "-") else {
                    return nil
                }
            } else {
                let digit: UInt8
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
                case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
                case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
                default: return nil
                }
                words = (words.0 &<< 4 | words.1 &>> 60, words.1 &<< 4 | UInt64(digit))
            }
            position += 1
        }
        guard position == Self.length else {
            return nil
        }
        (self.high, self.low) = words
    }

    private static func isHyphen(_ position: Int) -> Bool {
        position == 8 || position == 13 || position == 18 || position == 23
    }

    /// The connection's event loop, if the uuid is from this server.
    var loopIndex: Int {
        Int(self.low & 0x3FF)
    }

    /// Random bits, which serve as a hash.
    var hash: UInt64 {
        self.high
    }

    func append(to text: inout [UInt8]) {
        for digit in 0..<32 {
            if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                text.append(UInt8(ascii: "-"))
            }
            let word = digit < 16 ? self.high : self.low
            let value = UInt8(truncatingIfNeeded: word &>> UInt64(60 - 4 * (digit % 16))) & 0xF
            text.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
        }
    }
}

extension ConnectionID: CustomStringConvertible {
    package var description: String {
        var text: [UInt8] = []
        self.append(to: &text)
        return String(decoding: text, as: UTF8.self)
    }
}

/// Generates the uuids of one event loop's connections.
struct ConnectionIDGenerator {
    private let loopIndex: Int
    /// Random words from the system: as many as one call of getentropy(3) returns.
    private var words: [UInt64] = []
    private static let wordsAtOnce = 256 / MemoryLayout<UInt64>.size

    init(loopIndex: Int) {
        self.loopIndex = loopIndex
    }

    mutating func next() -> ConnectionID {
        ConnectionID(random: (self.word(), self.word()), loopIndex: self.loopIndex)
    }

    private mutating func word() -> UInt64 {
        if let word = self.words.popLast() {
            return word
        }
        self.words = Array(repeating: 0, count: Self.wordsAtOnce)
        let filled = self.words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
        if !filled {
            // getentropy(3) fails only on kernels older than 2014. The generator below has a fallback, and may block.
            var random = SystemRandomNumberGenerator()
            self.words = self.words.map { _ in random.next() }
        }
        return self.words.removeLast()
    }
}
