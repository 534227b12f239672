import Configuration
import Logging
import TCPServer
import WorkerPool
import WorkerProcess

extension Gateway {
    /// What can change while the service lives.
    struct Current {
        var settings: Settings
        let descriptorLimit: Int
        var listeners: [Listener] = []

        var servers: [ServerConfiguration] {
            self.settings.tcp.servers.map { ServerConfiguration($0) }
        }
    }

    /// Takes over a changed configuration, then replaces the workers; when anything of it is bad, nothing changes.
    func reload(_ current: inout Current) async {
        do {
            let loaded = try self.loadAgain()
            self.report(loaded.warnings)
            let next = loaded.settings
            let command = try WorkerCommand(next, relay: self.relay?.address, self.process)
            var changed = Current(settings: next, descriptorLimit: current.descriptorLimit)
            // Binding may fail, and the rest cannot: so it comes first.
            changed.listeners = try await self.server.listen(on: changed.servers, keeping: current.listeners)
            self.warnAboutWhatStays(current.settings, next)
            self.loggers.setLevels(next.logs)
            let pool = PoolConfiguration(next.tcp.pool)
            self.launcher.update(command, handshakeTimeout: pool.allocateTimeout)
            self.pool.reconfigure(pool)
            self.pool.limitPendingAnswers(next.tcp)
            self.limitConnections(current.descriptorLimit, next)
            current = changed
            self.loggers.rr.notice("the configuration was reloaded")
            self.pool.reset()
        } catch {
            self.loggers.rr.error(
                "the configuration was not reloaded, nothing has changed",
                metadata: ["error": "\(error)"]
            )
        }
    }

    private func warnAboutWhatStays(_ old: Settings, _ new: Settings) {
        var keys: [String] = []
        func note(_ key: String, _ hasChanged: Bool) {
            if hasChanged {
                keys.append(key)
            }
        }
        note("server.relay", old.server.relay != new.server.relay)
        note("server.on_init", old.server.onInit != new.server.onInit)
        note("status", old.status != new.status)
        note("metrics", old.metrics != new.metrics)
        var (oldLogs, newLogs) = (old.logs, new.logs)
        oldLogs.clearLevels()
        newLogs.clearLevels()
        note("logs (all but the levels)", oldLogs != newLogs)
        if !keys.isEmpty {
            self.loggers.rr.warning(
                "some changes take effect at the next start only",
                metadata: ["keys": "\(keys.joined(separator: ", "))"]
            )
        }
    }
}

extension LogSettings {
    fileprivate mutating func clearLevels() {
        self.level = .debug
        for name in self.channels.keys {
            self.channels[name]?.level = nil
        }
    }
}
