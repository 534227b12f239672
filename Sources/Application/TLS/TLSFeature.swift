import Features
import Logging
import Observability
import Sockets
import Synchronization
import TLS

/// The certificates of all listeners: looks whether files have changed, and tells when they expire.
final class TLSFeature: Feature {
    /// Kubernetes swaps a link and sends no signal. A look is a stat(2) for each file.
    private static let interval = Duration.seconds(2)

    private struct State {
        /// By the dotted keys of their sections.
        var servers: [String: TLSServer] = [:]
        var failures: [String: UInt64] = [:]
        /// Keys of servers whose files are others than those in force.
        var rejected: Set<String> = []
        var isWatching = false
        var isStopped = false
    }

    private let state = Mutex(State())
    private let watch = BackgroundTask()
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func server(_ key: String) -> TLSServer? {
        self.state.withLock { $0.servers[key] }
    }

    /// Reads the files; blocks.
    ///
    /// - Throws: ``Gateway/Failure``, which names the key.
    static func servers(_ plans: [(key: String, plan: TLSPlan)]) throws -> [String: TLSServer] {
        var servers: [String: TLSServer] = [:]
        for (key, plan) in plans {
            do throws(TLSFault) {
                servers[key] = try TLSServer(plan)
            } catch {
                throw Gateway.Failure(description: "\(key): \(error)")
            }
        }
        return servers
    }

    /// Watches the files of servers, by the dotted keys of their sections.
    func add(_ servers: [String: TLSServer]) {
        self.put(servers) { _ in false }
    }

    /// The same in place of all servers whose keys begin so.
    func replace(_ prefix: String, by servers: [String: TLSServer]) {
        self.put(servers) { $0.hasPrefix(prefix) }
    }

    private func put(_ servers: [String: TLSServer], inPlaceOf isReplaced: (String) -> Bool) {
        let startsNow = self.state.withLock { state in
            for (key, server) in servers {
                state.servers[key]?.yield(to: server)
            }
            state.servers = state.servers.filter { !isReplaced($0.key) }.merging(servers) { $1 }
            state.rejected = state.rejected.filter { servers[$0] == nil && state.servers[$0] != nil }
            guard !state.servers.isEmpty, !state.isWatching, !state.isStopped else { return false }
            state.isWatching = true
            return true
        }
        if startsNow {
            self.watch.start { await self.lookAtFiles() }
        }
    }

    func stop() async {
        self.state.withLock { $0.isStopped = true }
        await self.watch.stop()
    }

    private func lookAtFiles() async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            for (key, server) in self.state.withLock({ $0.servers }).sorted(by: { $0.key < $1.key }) {
                guard let refresh = try? await BlockingCall.run({ server.refresh() }) else { continue }
                self.report(refresh, server, key)
            }
        }
    }

    private func report(_ refresh: TLSServer.Refresh, _ server: TLSServer, _ key: String) {
        switch refresh {
        case .unchanged:
            break
        case .renewed:
            self.state.withLock { _ = $0.rejected.remove(key) }
            self.logger.notice("certificates were read anew", metadata: ["key": "\(key)"])
        case .failed(let fault):
            self.state.withLock { state in
                state.failures[key, default: 0] += 1
                // A reload may have put another one in its place meanwhile.
                if state.servers[key] === server {
                    state.rejected.insert(key)
                }
            }
            self.logger.error(
                "changed certificates cannot be used, the old ones stay",
                metadata: ["key": "\(key)", "error": "\(fault)"])
        }
    }

    func addMetrics(to text: inout PrometheusText) {
        let state = self.state.withLock { $0 }
        guard !state.servers.isEmpty else { return }
        let servers = state.servers.sorted { $0.key < $1.key }
        text.family(
            "rr_tcp_tls_certificate_expiry_timestamp_seconds", .gauge,
            "When a certificate that is shown to clients expires, in seconds since 1970."
        ) { samples in
            for (key, server) in servers {
                for expiry in server.contexts.expiries {
                    samples.add(
                        UInt64(max(0, expiry.notAfter)), ("server", Self.name(key)), ("key", key),
                        ("certificate", expiry.certificate))
                }
            }
        }
        text.family(
            "rr_tcp_tls_reload_failures_total", .counter,
            "Changes of certificates or keys that could not be used: the old ones stay."
        ) { samples in
            for (key, _) in servers {
                samples.add(state.failures[key, default: 0], ("server", Self.name(key)), ("key", key))
            }
        }
        text.family(
            "rr_tcp_tls_certificate_rejected", .gauge, "1 while the files cannot be used and the old ones are in force."
        ) { samples in
            for (key, _) in servers {
                samples.add(state.rejected.contains(key) ? 1 : 0, ("server", Self.name(key)), ("key", key))
            }
        }
    }

    /// The name of a server of `tcp.servers`; empty for other listeners.
    private static func name(_ key: String) -> String {
        let parts = key.split(separator: ".")
        return parts.starts(with: ["tcp", "servers"]) ? parts.dropFirst(2).dropLast().joined(separator: ".") : ""
    }
}
