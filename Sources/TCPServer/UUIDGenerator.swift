import Glibc

/// Random version 4 UUIDs (RFC 9562), in lower case.
struct UUIDGenerator {
    /// Random words of the system, asked for in one call: so many as getentropy(3) gives at once.
    private var words: [UInt64] = []
    private static let wordsAtOnce = 256 / MemoryLayout<UInt64>.size

    mutating func next() -> [UInt8] {
        let high = self.word() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = self.word() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for digit in 0..<32 {
            if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                text.append(UInt8(ascii: "-"))
            }
            let word = digit < 16 ? high : low
            let value = UInt8(truncatingIfNeeded: word &>> UInt64(60 - 4 * (digit % 16))) & 0xF
            text.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
        }
        return text
    }

    private mutating func word() -> UInt64 {
        if let word = self.words.popLast() {
            return word
        }
        self.words = Array(repeating: 0, count: Self.wordsAtOnce)
        let filled = self.words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
        if !filled {
            // Not on any Linux that is younger than 2014; this asks in another way, and waits where it must.
            var random = SystemRandomNumberGenerator()
            self.words = self.words.map { _ in random.next() }
        }
        return self.words.removeLast()
    }
}
