import Observability
import TCPServer
import WorkerPool

extension Gateway {
    /// Everything that is measured, as it is now. Reads files: not for an event loop with packets.
    func metricsText() -> PrometheusText {
        var text = PrometheusText()
        text.family("rr_build_info", .gauge, "The release that runs; always 1.") {
            $0.add(1, ("version", Version.current))
        }
        let counts = self.server.counts()
        text.add(counts)
        text.add(self.pool.snapshot())
        text.family(
            "rr_tcp_pending_bytes",
            .gauge,
            "Bytes of answers that clients have not taken whole; tcp.max_pending bounds them.",
            self.pool.pendingAnswers.bytes
        )
        let isDraining = self.status.phase == .draining
        let left = isDraining ? counts.reduce(0) { $0 &+ $1.open } : 0
        text.family("rr_draining", .gauge, "Whether the service is stopping: 1 from the signal on.", isDraining ? 1 : 0)
        text.family("rr_drain_connections_left", .gauge, "Connections that a stopping service still has; else 0.", left)
        text.add(ProcessMetrics())
        return text
    }
}

extension PrometheusText {
    /// What the servers have counted.
    mutating func add(_ counts: [ServerCounts]) {
        self.family("rr_tcp_connections", .gauge, "Open connections.") { samples in
            for count in counts {
                samples.add(count.open, ("server", count.server))
            }
        }
        self.family("rr_tcp_connections_accepted_total", .counter, "Connections that were accepted.") { samples in
            for count in counts {
                samples.add(count.accepted, ("server", count.server))
            }
        }
        self.family("rr_tcp_connections_closed_total", .counter, "Connections that were closed, and why.") { samples in
            for count in counts {
                for cause in CloseCause.allCases {
                    samples.add(
                        count.closed[cause, default: 0],
                        ("server", count.server),
                        ("reason", cause.rawValue)
                    )
                }
            }
        }
        self.family("rr_tcp_events_total", .counter, "Events that were handed to the pool.") { samples in
            for count in counts {
                for event in EventKind.allCases {
                    samples.add(count.events[event, default: 0], ("server", count.server), ("event", event.rawValue))
                }
            }
        }
        self.family("rr_tcp_received_bytes_total", .counter, "Bytes that clients have sent.") { samples in
            for count in counts {
                samples.add(count.receivedBytes, ("server", count.server))
            }
        }
        self.family("rr_tcp_sent_bytes_total", .counter, "Bytes of answers, without those to clients that had left.") {
            samples in
            for count in counts {
                samples.add(count.sentBytes, ("server", count.server))
            }
        }
    }

    /// What the pool has counted, and its workers: RoadRunner's names first.
    mutating func add(_ pool: PoolSnapshot) {
        self.addWorkers(pool.workers)
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
