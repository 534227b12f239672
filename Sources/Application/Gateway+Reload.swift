import Configuration
import Logging
import Sockets
import TCPServer
import WorkerPool
import WorkerProcess

extension Gateway {
    /// What can change while the service lives.
    struct Current: Sendable {
        var settings: Settings
        let descriptorLimit: Int
        /// What workers are started with, when it is another than at the start.
        var command: WorkerCommand?
        var listeners: [Listener] = []

        var servers: [ListenerConfiguration] {
            self.settings.tcp.servers.map { ListenerConfiguration($0) }
        }
    }

    /// Reads the configuration anew and listens on its servers; when anything of it is bad, nothing has changed.
    func prepareReload(_ current: Current) async throws -> Current {
        let (loaded, command) = try await BlockingCall.run {
            let loaded = try self.loadAgain()
            return (loaded, try WorkerCommand(loaded.settings, relay: self.relay?.address, self.process))
        }
        self.report(loaded.warnings)
        var changed = Current(settings: loaded.settings, descriptorLimit: current.descriptorLimit, command: command)
        // Binding may fail, and the rest cannot: so it comes first.
        changed.listeners = try await self.server.listen(on: changed.servers, keeping: current.listeners)
        return changed
    }

    /// Takes over a configuration that was prepared, then replaces the workers; or says why not.
    func finishReload(_ prepared: Result<Current, any Error>, _ current: inout Current) {
        switch prepared {
        case .success(let changed):
            let settings = changed.settings
            self.warnAboutWhatStays(current.settings, settings)
            self.loggers.setLevels(settings.logs)
            let pool = PoolConfiguration(settings.tcp.pool)
            if let command = changed.command {
                self.launcher.update(
                    command, handshakeTimeout: pool.allocateTimeout, isPipelined: pool.isPipelined)
            }
            self.pool.reconfigure(pool)
            self.pool.limitPendingAnswers(settings.tcp)
            self.limitConnections(changed.descriptorLimit, settings)
            current = changed
            self.loggers.rr.notice("the configuration was reloaded")
            self.pool.reset()
        case .failure(let error):
            self.loggers.rr.error(
                "the configuration was not reloaded, nothing has changed",
                metadata: ["error": "\(error)"]
            )
        }
    }

    private func warnAboutWhatStays(_ old: Settings, _ new: Settings) {
        let keys = Settings.section.changesAtStart(old, new)
        if !keys.isEmpty {
            self.loggers.rr.warning(
                "some changes take effect at the next start only",
                metadata: ["keys": "\(keys.joined(separator: ", "))"]
            )
        }
    }
}
