import JSON
import NIOCore
import Observability
import Platform
import RPC
import Synchronization
import WorkerPool

/// The calls about workers. None of them waits for the worker that calls: it may do so while it has an event.
struct WorkerServices: Sendable {
    /// The plugins whose workers there are.
    static let plugins = [HealthResponse.plugin]

    let pool: WorkerPool
    /// Workers that wait for a reset themselves, each as often as it has called: a reset that waited for them would wait
    /// for ever.
    private let resetting = ResetCallers()
    /// Called when the number of workers that the pool keeps has changed.
    let sizeChanged: @Sendable () -> Void

    init(pool: WorkerPool, sizeChanged: @escaping @Sendable () -> Void) {
        self.pool = pool
        self.sizeChanged = sizeChanged
    }

    /// `informer`.
    var informer: RPCService {
        RPCService(
            "informer",
            [
                "List": .immediate { call throws(RPCError) in try Self.list(call) },
                "Workers": .deferred { call, reply in
                    guard let plugin = reply.take({ () throws(RPCError) in try call.text("a plugin") }) else { return }
                    Task {
                        // An empty list for an unknown plugin: PHP's client cannot take `null`.
                        let workers = Self.plugins.contains(plugin) ? WorkerReport.all(of: self.pool) : []
                        let list = JSONMember("workers", .array(workers.map(\.json)))
                        reply.complete(.success(ByteBuffer(json: .object([list]))))
                    }
                },
                "AddWorker": .deferred { call, reply in
                    self.run(call, reply) { try await self.addWorker(for: $0) }
                },
                "RemoveWorker": .deferred { call, reply in
                    self.run(call, reply) { plugin in
                        try self.removeWorker(for: plugin, sparing: self.workers(of: call.caller) ?? [])
                    }
                },
                // A pipeline is of RoadRunner's `jobs`, which is not here.
                "Jobs": .immediate { call throws(RPCError) in
                    _ = try call.json()
                    return ByteBuffer(json: .array([]))
                },
            ]
        )
    }

    /// `resetter`.
    var resetter: RPCService {
        RPCService(
            "resetter",
            [
                "List": .immediate { call throws(RPCError) in try Self.list(call) },
                "Reset": .deferred { call, reply in
                    self.run(call, reply) { try await self.reset($0, for: call.caller) }
                },
            ]
        )
    }

    private static func list(_ call: RPCCall) throws(RPCError) -> ByteBuffer {
        _ = try call.json()
        return ByteBuffer(json: .array(self.plugins.map { .string($0) }))
    }

    /// Runs a call that takes a plugin's name and answers `true`, until the caller has gone.
    private func run(
        _ call: RPCCall,
        _ reply: RPCReply,
        _ body: @escaping @Sendable (_ plugin: String) async throws -> Void
    ) {
        guard let plugin = reply.take({ () throws(RPCError) in try call.text("a plugin") }) else { return }
        let task = Task {
            do {
                try await body(plugin)
                reply.complete(.success(ByteBuffer(json: .bool(true))))
            } catch let error as RPCError {
                reply.complete(.failure(error))
            } catch {
                reply.complete(.failure(RPCError("\(error)")))
            }
        }
        reply.onAbandoned { task.cancel() }
    }

    /// The worker that a caller is, or was started by; `nil` if the caller is not known.
    private func workers(of caller: RPCCaller) -> Set<Int32>? {
        caller.processID.map { self.pool.processIDs.intersection(ProcessLineage(of: $0).processes) }
    }

    private func reset(_ plugin: String, for caller: RPCCaller) async throws {
        guard Self.plugins.contains(plugin) else {
            throw RPCError("resetter_rpc_reset:\n\tresetter_plugin_reset_by_name: no such plugin: \(plugin)")
        }
        let own = self.workers(of: caller)
        self.resetting.add(own ?? [])
        defer { self.resetting.remove(own ?? []) }
        let progress = try await self.pool.awaitReset(self.pool.reset()) {
            // Without a known caller a busy worker may be the one that calls.
            own == nil ? nil : self.resetting.current
        }
        switch progress {
        case .running, .done:
            return
        case .givenUp(let count):
            throw RPCError(
                "resetter_rpc_reset: WorkerAllocate:\n\ttcp_reset:\n\ttoo many new workers could not be started, "
                    + "\(count) old ones go on: the server's log tells why"
            )
        case .notServing:
            throw RPCError("resetter_rpc_reset: the server is starting or stopping")
        }
    }

    private func addWorker(for plugin: String) async throws {
        try self.check(plugin)
        let added: WorkerID?
        do {
            added = try self.pool.addWorker(maximum: PoolSettings.maximumWorkers)
        } catch {
            throw error.forCaller
        }
        self.sizeChanged()
        guard let added, try await self.pool.awaitStart(of: added) != .ready else {
            return
        }
        // The pool would go on trying.
        try? self.pool.removeWorker(sparing: [])
        self.sizeChanged()
        throw RPCError("WorkerAllocate:\n\tthe worker could not be started: the server's log tells why")
    }

    private func removeWorker(for plugin: String, sparing processes: Set<Int32>) throws {
        try self.check(plugin)
        do {
            try self.pool.removeWorker(sparing: processes)
        } catch {
            throw error.forCaller
        }
        self.sizeChanged()
    }

    private func check(_ plugin: String) throws(RPCError) {
        guard Self.plugins.contains(plugin) else {
            throw RPCError("plugin \(plugin) does not support workers management")
        }
    }
}

/// The workers that wait for a reset.
private final class ResetCallers: Sendable {
    private let counts = Mutex<[Int32: Int]>([:])

    func add(_ processes: Set<Int32>) {
        self.counts.withLock { counts in
            for process in processes {
                counts[process, default: 0] += 1
            }
        }
    }

    func remove(_ processes: Set<Int32>) {
        self.counts.withLock { counts in
            for process in processes {
                let count = counts[process, default: 0] - 1
                counts[process] = count > 0 ? count : nil
            }
        }
    }

    var current: Set<Int32> {
        self.counts.withLock { Set($0.keys) }
    }
}

extension PoolSizeFault {
    fileprivate var forCaller: RPCError {
        switch self {
        case .notServing: RPCError("the server is starting or stopping")
        case .keepsNone: RPCError("with tcp.pool.debug there is no number of workers to change")
        case .atMaximum: RPCError("WorkerAllocate: container is full, maximum number of workers reached")
        case .atMinimum: RPCError("can't remove the last worker")
        }
    }
}
