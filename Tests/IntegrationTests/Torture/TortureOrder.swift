import Foundation

/// What the environment says about the torture.
enum TortureOrder {
    /// `TORTURE_SECONDS`: how long the torture is to take, and the fuzz.
    static let seconds = Self.number("TORTURE_SECONDS").map { Int($0) } ?? 30
    static let fuzzSeconds = Self.number("TORTURE_SECONDS").map { Int($0) } ?? 30
    /// `TORTURE_SEED`: what everybody does. When the machine does it is its own affair: no run is quite like another.
    static let seed = Self.number("TORTURE_SEED") ?? UInt64.random(in: 1...999_999)

    /// `TORTURE_VERBS`: what fuzz workers may do; see `Fixtures/fuzz.c`.
    static let verbs = ProcessInfo.processInfo.environment["TORTURE_VERBS"]

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}
