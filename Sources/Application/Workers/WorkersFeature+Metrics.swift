import Observability
import WorkerPool

extension PrometheusText {
    /// Adds the workers and the counters of the pool, those with RoadRunner's names first.
    mutating func add(_ pool: PoolSnapshot) {
        self.addWorkers(pool.workers)
        self.family(
            "rr_tcp_workers_target",
            .gauge,
            "Workers that the pool keeps: num_workers, and what RPC calls have added or removed.",
            pool.target
        )
        self.family("rr_tcp_requests_waiting", .gauge, "Events that wait for a worker.", pool.waiting)
        self.add(
            pool.measures.waits,
            "rr_tcp_request_wait_seconds",
            "How long events waited for a worker, those included that waited in vain."
        )
        self.add(
            pool.measures.workerTimes,
            "rr_tcp_worker_time_seconds",
            "From an event's being given to a worker to the worker's answer."
        )
        self.family("rr_tcp_worker_restarts_total", .counter, "Workers that were replaced, and why.") { samples in
            for reason in RestartReason.allCases {
                samples.add(pool.measures.restarts[reason, default: 0], ("reason", reason.rawValue))
            }
        }
    }

    private mutating func addWorkers(_ workers: [PoolSnapshot.Worker]) {
        func count(_ states: PoolSnapshot.WorkerState...) -> Int {
            workers.count { states.contains($0.state) }
        }
        let memory = workers.reduce(0) { $0 &+ $1.residentMemory }
        self.family("rr_tcp_total_workers", .gauge, "Worker processes.", workers.count)
        self.family("rr_tcp_workers_memory_bytes", .gauge, "Resident memory of all worker processes.", memory)
        self.family("rr_tcp_workers_ready", .gauge, "Workers that are free.", count(.ready))
        self.family("rr_tcp_workers_working", .gauge, "Workers that have an event.", count(.working))
        self.family(
            "rr_tcp_workers_invalid",
            .gauge,
            "Worker processes that can take no event: starting or ending.",
            count(.starting, .stopping)
        )
        self.family("rr_tcp_worker_state", .gauge, "The state of each worker process; the value is always 0.") {
            samples in
            for worker in workers {
                samples.add(0, ("state", worker.state.rawValue), ("pid", "\(worker.processID)"))
            }
        }
        self.family("rr_tcp_worker_memory_bytes", .gauge, "Resident memory of each worker process.") { samples in
            for worker in workers {
                samples.add(worker.residentMemory, ("pid", "\(worker.processID)"))
            }
        }
    }

    private mutating func add(_ times: TimeHistogram, _ name: String, _ help: String) {
        self.histogram(
            name,
            help,
            upperBounds: TimeHistogram.upperBounds,
            counts: times.counts,
            sum: times.sum
        )
    }
}
