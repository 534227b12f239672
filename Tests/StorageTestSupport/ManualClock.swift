import KeyValue
import Synchronization

/// A time that only the test moves.
package final class ManualClock: Sendable {
    private let time: Atomic<UnixMilliseconds>

    package init(_ time: UnixMilliseconds = 1_764_068_400_000) {
        self.time = Atomic(time)
    }

    package var now: @Sendable () -> UnixMilliseconds {
        { self.time.load(ordering: .sequentiallyConsistent) }
    }

    package func advance(by milliseconds: Int64) {
        self.time.add(milliseconds, ordering: .sequentiallyConsistent)
    }
}
