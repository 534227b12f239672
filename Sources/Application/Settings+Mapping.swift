import Addresses
import Configuration
import Logging
import NIOCore
import Platform
import Sockets
import TCPServer
import WorkerPool
import WorkerProcess

extension TimeAmount {
    /// A duration between nothing and ten years: sums of it with any date do not overflow.
    init(clamping duration: Duration) {
        let longest: Int64 = 10 * 365 * 24 * 3600
        let (seconds, attoseconds) = duration.components
        let clamped = min(max(seconds, 0), longest)
        self = .nanoseconds(clamped * 1_000_000_000 + (clamped == seconds ? attoseconds / 1_000_000_000 : 0))
    }
}

extension PoolConfiguration {
    init(_ settings: PoolSettings) {
        self.init(
            // In debug mode every event gets a fresh worker, and none is kept.
            numWorkers: settings.debug ? 0 : settings.numWorkers,
            maxJobs: settings.debug ? 1 : settings.maxJobs,
            maxQueueSize: settings.maxQueueSize,
            allocateTimeout: TimeAmount(clamping: settings.allocateTimeout),
            destroyTimeout: TimeAmount(clamping: settings.destroyTimeout)
        )
        self.resetTimeout = TimeAmount(clamping: settings.resetTimeout)
        switch settings.pipeline.depth {
        case .auto: self.pipeline = .auto(wait: TimeAmount(clamping: settings.pipeline.maxWait))
        case .fixed(let depth): self.pipeline = .fixed(depth)
        }
        if let supervisor = settings.supervisor {
            self.supervisor = Supervisor(supervisor)
        }
        if settings.debug {
            let most = PoolSettings.maximumWorkers
            self.allocator = Allocator(maxWorkers: most, spawnRate: most, idleTimeout: .seconds(1))
        } else if let allocator = settings.dynamicAllocator {
            self.allocator = Allocator(
                maxWorkers: allocator.maxWorkers,
                spawnRate: allocator.spawnRate,
                idleTimeout: TimeAmount(clamping: allocator.idleTimeout)
            )
        }
    }
}

extension WorkerPool {
    /// `tcp.max_pending`.
    func limitPendingAnswers(_ settings: TCPSettings) {
        self.pendingAnswers.setLimit(settings.maxPending > 0 ? settings.maxPending << 20 : nil)
    }
}

extension PoolConfiguration.Supervisor {
    init(_ settings: SupervisorSettings) {
        func limit(_ duration: Duration) -> TimeAmount? {
            duration > .zero ? TimeAmount(clamping: duration) : nil
        }
        self.init()
        self.watchTick = TimeAmount(clamping: settings.watchTick)
        self.ttl = limit(settings.ttl)
        self.idleTTL = limit(settings.idleTTL)
        self.execTTL = limit(settings.execTTL)
        self.maxWorkerMemory = settings.maxWorkerMemory > 0 ? settings.maxWorkerMemory << 20 : nil
    }
}

extension ListenerConfiguration {
    init(_ settings: ListenerSettings) {
        self.init(
            server: settings.name,
            address: settings.address,
            socketMode: settings.socketMode,
            framing: PacketFraming(
                settings.framing == .split
                    ? .split(Delimiter(settings.delimiter)) : .merge(Delimiter(settings.delimiter)),
                maximumPacketSize: settings.maxPacketSize
            ),
            readBufferSize: settings.readBufferSize
        )
    }
}

extension WorkerCommand {
    /// A worker, with the environment of docs/protocol.md: last wins.
    ///
    /// - Parameter relay: Where it is to connect; `nil` for pipes.
    init(_ settings: Settings, relay: ListenAddress?, _ process: Gateway.Process) throws {
        var environment = process.inheritedEnvironment
        environment["RR_RELAY"] = relay?.url ?? "pipes"
        if let rpc = settings.rpc {
            environment["RR_RPC"] = rpc.listen
        }
        environment.set(settings.server.environment)
        environment["RR_VERSION"] = Version.current
        environment["RR_MODE"] = "tcp"
        let command = settings.tcp.pool.command
        self.init(
            arguments: command.isEmpty ? settings.server.command : command,
            environment: environment.entries,
            workingDirectory: process.workDirectory,
            credentials: try Credentials.wanted(user: settings.server.user, group: settings.server.group)
        )
    }

    /// `server.on_init`.
    init(onInit: OnInitSettings, _ process: Gateway.Process) throws {
        var environment = process.inheritedEnvironment
        environment.set(onInit.environment)
        self.init(
            arguments: onInit.command,
            environment: environment.entries,
            workingDirectory: process.workDirectory,
            credentials: try Credentials.wanted(user: onInit.user, group: nil)
        )
    }
}

extension Gateway.Process {
    /// What is for what we start, too.
    fileprivate var inheritedEnvironment: EnvironmentVariables {
        var environment = self.environment
        for name in ServiceManager.variables {
            environment[name] = nil
        }
        return environment
    }
}

extension Credentials {
    /// `nil` when nobody else is asked for.
    fileprivate static func wanted(user: String?, group: String?) throws -> Credentials? {
        guard user != nil || group != nil else {
            return nil
        }
        let credentials = try Credentials(user: user, group: group)
        return credentials.areOurs ? nil : credentials
    }
}

extension Logger.Level {
    init(_ level: LogLevel) {
        switch level {
        case .debug: self = .debug
        case .info: self = .info
        case .warn: self = .warning
        case .error: self = .error
        case .panic, .fatal: self = .critical
        }
    }
}
