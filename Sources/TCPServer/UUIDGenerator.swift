/// Random version 4 UUIDs (RFC 9562), in lower case.
struct UUIDGenerator {
    private var random = SystemRandomNumberGenerator()

    mutating func next() -> [UInt8] {
        let high = (self.random.next() as UInt64) & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = (self.random.next() as UInt64) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
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
}
