import Configuration
import Features
import Glibc
import Logging
import Platform
import Sockets
import WorkerPool

/// Makes the features from the settings, and runs them from start to exit.
package struct Gateway: Sendable {
    /// The surroundings that the process is started in.
    package struct Process: Sendable {
        /// The environment that workers inherit.
        package var environment: EnvironmentVariables
        /// An absolute path; workers start there.
        package var workDirectory: String
        package var eventLoops: Int
        /// Whether nothing but the log is printed.
        package var isSilent: Bool
        /// The service manager that started this process, if it wants to be notified.
        package var serviceManager: ServiceManager?
        /// Runs before the process exits without the usual end.
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

    /// The reason why the service failed, in one line.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    let settings: Settings
    let process: Process
    let loadAgain: @Sendable () throws -> LoadedSettings
    let loggers: Loggers
    let status = ServiceStatus()
    let effective: EffectiveConfiguration
    let descendants: Descendants
    /// The features that the lifecycle controls.
    let workers: WorkersFeature
    let tcp: TCPFeature
    let features: FeatureList<Settings>

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
        self.settings = loaded.settings
        self.process = process
        self.loadAgain = loadAgain
        self.loggers = try Loggers(loaded.settings.logs, process)
        self.effective = EffectiveConfiguration(loaded.effective)
        let composition = try Composition(
            loaded.settings,
            process,
            self.loggers,
            self.status,
            effective: self.effective
        )
        self.descendants = composition.descendants
        self.workers = composition.workers
        self.tcp = composition.tcp
        self.features = composition.list
        self.report(loaded.warnings)
    }

    /// Logs the warnings about a configuration.
    func report(_ warnings: [ConfigurationWarning]) {
        for warning in warnings {
            self.loggers.rr.warning("\(warning)")
        }
    }

    func leaveAtOnce(_ reason: String) -> Never {
        self.status.isLeavingAtOnce = true
        self.workers.pool.kill()
        self.descendants.kill()
        SocketFile.removeAll()
        self.process.cleanUp()
        self.loggers.flush(milliseconds: 250)
        Console(self.settings.logs).error(reason)
        // exit(3) would run destructors while other threads are alive.
        _exit(1)
    }
}
