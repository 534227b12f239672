import KeyValue
import KeyValueService
import Observability

extension PrometheusText {
    mutating func add(_ storages: [KeyValueCounts]) {
        self.family("rr_kv_items", .gauge, "Keys in a storage.", storages, \.measures.items)
        self.family(
            "rr_kv_bytes", .gauge, "What a storage takes, in memory or on the disk.", storages, \.measures.bytes)
        self.family("rr_kv_hits_total", .counter, "Keys that MGet found.", storages) { $0.hits }
        self.family("rr_kv_misses_total", .counter, "Keys that MGet did not find.", storages) { $0.misses }
        self.family(
            "rr_kv_expired_total", .counter, "Keys that were removed because their time had passed.", storages,
            \.measures.expired)
        self.family(
            "rr_kv_evicted_total", .counter, "Keys that were removed to make room.", storages, \.measures.evicted)
        self.family(
            "rr_kv_refused_total", .counter, "Calls that a bound of the storage refused.", storages, \.measures.refused)
        self.family("rr_kv_calls_total", .counter, "Calls of a storage, by method and result.") { samples in
            for storage in storages {
                for method in storage.methods where method.completed + method.failed > 0 {
                    let labels = (("storage", storage.storage), ("method", method.name))
                    samples.add(method.completed, labels.0, labels.1, ("result", "ok"))
                    samples.add(method.failed, labels.0, labels.1, ("result", "error"))
                }
            }
        }
        self.family("rr_kv_call_seconds_total", .counter, "Time that the calls of a method took.") { samples in
            for storage in storages {
                for method in storage.methods where method.completed + method.failed > 0 {
                    samples.add(method.seconds, ("storage", storage.storage), ("method", method.name))
                }
            }
        }
    }

    /// One sample for each storage that knows the value.
    private mutating func family(
        _ name: String, _ kind: Kind, _ help: String, _ storages: [KeyValueCounts], _ value: (KeyValueCounts) -> Int?
    ) {
        self.family(name, kind, help) { samples in
            for storage in storages {
                if let number = value(storage) {
                    samples.add(number, ("storage", storage.storage))
                }
            }
        }
    }
}
