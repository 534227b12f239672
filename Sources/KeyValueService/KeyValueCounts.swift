import KeyValue
import RPC

/// The counts of one storage, for metrics.
package struct KeyValueCounts: Sendable {
    package struct Method: Sendable {
        /// Such as `MGet`.
        package let name: String
        package let completed: UInt64
        package let failed: UInt64
        /// Of all calls together.
        package let seconds: Double

        init(_ method: KeyValueMethod, _ counts: RPCMethodCounts) {
            self.name = method.name
            self.completed = counts.successes
            self.failed = counts.failures
            self.seconds = counts.seconds
        }
    }

    package let storage: String
    package let measures: StorageMeasures
    /// Keys that `MGet` found, and that it did not.
    package let hits: Int
    package let misses: Int
    package let methods: [Method]
}
