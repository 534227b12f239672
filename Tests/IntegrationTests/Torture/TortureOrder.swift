import Foundation

/// What the environment says about the torture.
enum TortureOrder {
    /// `TORTURE_SECONDS`: how long the torture is to take, and the fuzz.
    static let seconds = Self.number("TORTURE_SECONDS").map { Int($0) } ?? 30
    static let fuzzSeconds = Self.number("TORTURE_SECONDS").map { Int($0) } ?? 60
    /// `TORTURE_SEED`: what everybody does. When the machine does it is its own affair: no run is quite like another.
    static let seed = Self.number("TORTURE_SEED") ?? UInt64.random(in: 1...999_999)

    /// `TORTURE_VERBS`: what fuzz workers may do; see `Fixtures/fuzz.c`.
    static let verbs = ProcessInfo.processInfo.environment["TORTURE_VERBS"]

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var bits = self.state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// `true` so many times in a hundred.
    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &self) < percent
    }

    mutating func pick(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &self)
    }
}
