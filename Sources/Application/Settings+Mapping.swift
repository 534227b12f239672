import NIOCore

extension TimeAmount {
    /// Clamps a duration to between zero and ten years, so that adding it to any date does not overflow.
    init(clamping duration: Duration) {
        let longest: Int64 = 10 * 365 * 24 * 3600
        let (seconds, attoseconds) = duration.components
        let clamped = min(max(seconds, 0), longest)
        self = .nanoseconds(clamped * 1_000_000_000 + (clamped == seconds ? attoseconds / 1_000_000_000 : 0))
    }
}
