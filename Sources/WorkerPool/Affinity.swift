import NIOCore

/// The preference of a request for one worker: of all requests with the same key, whichever workers there are.
package struct Affinity: Sendable, Hashable {
    package var key: UInt64
    /// How long the request waits for that worker while it is busy; then any other may have it. 0 prefers the worker only
    /// if it is free.
    package var patience: TimeAmount

    package init(key: UInt64, patience: TimeAmount) {
        self.key = key
        self.patience = patience
    }

    /// The rank of a slot for a key (rendezvous hashing): the one with the highest weight gets it.
    static func weight(_ key: UInt64, ofSlot slot: Int) -> UInt64 {
        self.mixed(key ^ self.mixed(UInt64(slot) &+ 1))
    }

    /// The finish of SplitMix64 (Steele, Lea, Flood 2014): each bit of the result depends on all bits of the value.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value &>> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value &>> 31)
    }
}
