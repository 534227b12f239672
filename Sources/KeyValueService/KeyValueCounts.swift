import KeyValue
import NIOCore
import Synchronization

/// The calls of one method at one storage, since the start.
final class KeyValueCalls: Sendable {
    private let completed = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let nanoseconds = Atomic<Int>(0)

    func count(isFailure: Bool, took time: TimeAmount) {
        if isFailure {
            self.failed.wrappingAdd(1, ordering: .relaxed)
        } else {
            self.completed.wrappingAdd(1, ordering: .relaxed)
        }
        self.nanoseconds.wrappingAdd(Int(time.nanoseconds), ordering: .relaxed)
    }

    func counts(of method: KeyValueMethod) -> KeyValueCounts.Method {
        KeyValueCounts.Method(
            name: method.name,
            completed: self.completed.load(ordering: .relaxed),
            failed: self.failed.load(ordering: .relaxed),
            seconds: Double(self.nanoseconds.load(ordering: .relaxed)) * 1e-9
        )
    }
}

/// The counts of one storage, for metrics.
package struct KeyValueCounts: Sendable {
    package struct Method: Sendable {
        /// Such as `MGet`.
        package let name: String
        package let completed: Int
        package let failed: Int
        /// Of all calls together.
        package let seconds: Double
    }

    package let storage: String
    package let measures: StorageMeasures
    /// Keys that `MGet` found, and that it did not.
    package let hits: Int
    package let misses: Int
    package let methods: [Method]
}
