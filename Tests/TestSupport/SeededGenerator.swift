/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed, so that a failure can be repeated.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        self.state = seed
    }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ (value &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value &>> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value &>> 31)
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: self.next()) }
    }

    /// `true` so many times in a hundred.
    package mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &self) < percent
    }

    package mutating func pick(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &self)
    }

    /// Changes, removes or repeats bytes at one place of a text.
    ///
    /// - Parameter special: Bytes that mean something to the text's reader; not empty.
    package mutating func mutate(_ bytes: inout [UInt8], special: [UInt8]) {
        guard !bytes.isEmpty else {
            return bytes.append(contentsOf: special.prefix(3))
        }
        let index = Int.random(in: bytes.indices, using: &self)
        switch self.pick(0...4) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &self)
        case 1: bytes[index] = UInt8.random(in: 0x20...0x7E, using: &self)
        case 2: bytes[index] = special.randomElement(using: &self) ?? 0
        case 3: bytes.remove(at: index)
        default: bytes.insert(contentsOf: bytes[index...].prefix(8), at: index)
        }
    }
}
