import Addresses
import Configuration
import Glibc
import Logging
import NIOCore
import NIOPosix
import Platform
import Sockets
import TCPServer
import WorkerPool
import WorkerProcess

/// The composition root: makes the parts from the settings, and runs them from start to exit.
package struct Gateway: Sendable {
    /// What the process brings along.
    package struct Process: Sendable {
        /// The environment that workers inherit.
        package var environment: EnvironmentVariables
        /// An absolute path; workers start there.
        package var workDirectory: String
        package var eventLoops: Int
        /// Whether nothing but the log is printed.
        package var isSilent: Bool
        /// Who has started us and wants to know how we are.
        package var serviceManager: ServiceManager?
        /// What is to be done when the process leaves at once.
        package var cleanUp: @Sendable () -> Void

        /// - Parameter eventLoops: From 1; one for each core is best.
        package init(
            environment: EnvironmentVariables,
            workDirectory: String,
            eventLoops: Int,
            isSilent: Bool,
            serviceManager: ServiceManager?,
            cleanUp: @escaping @Sendable () -> Void
        ) {
            self.environment = environment
            self.workDirectory = workDirectory
            self.eventLoops = eventLoops
            self.isSilent = isSilent
            self.serviceManager = serviceManager
            self.cleanUp = cleanUp
        }
    }

    /// Why the service ended other than well, in one line.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    let settings: Settings
    let process: Process
    let loadAgain: @Sendable () throws -> LoadedSettings
    let loggers: Loggers
    let group: MultiThreadedEventLoopGroup
    let relay: RelayListener?
    let launcher: WorkerProcessLauncher
    let pool: WorkerPool
    let server: TCPServer
    let status = ServiceStatus()
    /// How many descriptors may be open.
    let descriptorLimit: Int
    let descendants: Descendants

    /// - Parameters:
    ///   - loaded: The configuration to start with.
    ///   - loadAgain: Reads the configuration anew, for a reload.
    /// - Throws: When a log file cannot be opened, too few descriptors may be open, `server.user` or `server.group` cannot
    ///   be taken on, or `server.relay` not be listened on.
    package init(
        _ loaded: LoadedSettings,
        process: Process,
        loadAgain: @escaping @Sendable () throws -> LoadedSettings
    ) throws {
        let settings = loaded.settings
        let loggers = try Loggers(settings.logs, process)
        let configuration = PoolConfiguration(settings.tcp.pool)
        // Without descriptors an event loop cannot even be made, and what makes it ends the process.
        self.descriptorLimit = DescriptorLimit.raise(loggers.rr)
        try DescriptorLimit.check(
            self.descriptorLimit,
            loops: process.eventLoops,
            workers: configuration.numWorkers,
            listeners: settings.tcp.servers.count
        )
        let group = MultiThreadedEventLoopGroup(numberOfThreads: process.eventLoops)
        let loops: [any EventLoop] = Array(group.makeIterator())
        // Before anything is started.
        self.descendants = Descendants()
        self.settings = settings
        self.process = process
        self.loadAgain = loadAgain
        self.loggers = loggers
        self.group = group
        let descriptorLimit = self.descriptorLimit
        let relay = settings.server.relay.address
        let command = try WorkerCommand(settings, relay: relay, process)
        let serverPID = Int(getpid())
        self.relay = try relay.map {
            try RelayListener(
                address: $0,
                serverPID: serverPID,
                credentials: command.credentials,
                callerLimit: DescriptorLimit.relayCallers(of: descriptorLimit),
                logger: loggers.server
            )
        }
        self.launcher = WorkerProcessLauncher(
            command: command,
            loops: loops,
            handshakeTimeout: configuration.allocateTimeout,
            serverPID: serverPID,
            listener: self.relay,
            outOfMemoryKills: OutOfMemoryKills(),
            isPipelined: configuration.isPipelined,
            logger: loggers.server
        )
        self.pool = WorkerPool(
            configuration: configuration,
            launcher: self.launcher,
            loops: loops,
            logger: loggers.server,
            isMeasured: settings.metrics != nil
        )
        self.pool.limitPendingAnswers(settings.tcp)
        self.server = TCPServer(
            pool: self.pool,
            group: group,
            logger: loggers.tcp,
            isMeasured: settings.metrics != nil
        )
        self.report(loaded.warnings)
    }

    /// Logs what the loader had to say about the configuration.
    func report(_ warnings: [ConfigurationWarning]) {
        for warning in warnings {
            self.loggers.rr.warning("\(warning)")
        }
    }

    func leaveAtOnce(_ reason: String) -> Never {
        self.status.isLeavingAtOnce = true
        self.pool.kill()
        self.descendants.kill()
        SocketFile.removeAll()
        self.process.cleanUp()
        self.loggers.flush(milliseconds: 250)
        Console(self.settings.logs).error(reason)
        // Not exit(3): it would run destructors beside threads that are alive.
        _exit(1)
    }
}
