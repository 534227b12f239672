import Edge
import Observability
import TCPServer
import WorkerPool

extension PrometheusText {
    /// Adds the counters of each server.
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
                samples.add(count.limited, of: count.server)
                for cause in EdgeFailure.Cause.allCases {
                    samples.add(
                        count.refused[cause, default: 0],
                        ("server", count.server),
                        ("reason", cause.rawValue)
                    )
                }
            }
        }
        self.add(
            counts, "rr_tcp_limits_dry_run_total", "Connections that limits_dry_run let in despite a limit.", \.spared)
        self.add(
            counts, "rr_tcp_accept_waits_total", "Times that a limit was reached and new connections have to wait.",
            \.waits)
        self.family("rr_tcp_accept_waiting", .gauge, "1 while a limit is reached and new connections have to wait.") {
            samples in
            for count in counts {
                for limit in [Refusal.maxConnections, .acceptRate] {
                    samples.add(
                        count.waitsFor == limit ? 1 : 0, ("server", count.server), ("reason", limit.rawValue))
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
        self.family(
            "rr_tcp_skipped_bytes_total", .counter, "Bytes of clients that belonged to no packet; no worker saw them."
        ) { samples in
            for count in counts {
                samples.add(count.skippedBytes, ("server", count.server))
            }
        }
        self.family("rr_tcp_sent_bytes_total", .counter, "Bytes of answers, without those to clients that had left.") {
            samples in
            for count in counts {
                samples.add(count.sentBytes, ("server", count.server))
            }
        }
    }

    private mutating func add(
        _ counts: [ServerCounts], _ name: String, _ help: String, _ path: KeyPath<ServerCounts, [Refusal: UInt64]>
    ) {
        self.family(name, .counter, help) { samples in
            for count in counts {
                samples.add(count[keyPath: path], of: count.server)
            }
        }
    }
}

extension PrometheusText.Samples {
    fileprivate mutating func add(_ counts: [Refusal: UInt64], of server: String) {
        for refusal in Refusal.allCases {
            self.add(counts[refusal, default: 0], ("server", server), ("reason", refusal.rawValue))
        }
    }
}
