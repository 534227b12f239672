import Configuration
import Features
import Logging
import Sockets
import WorkerPool

extension Gateway {
    /// A prepared reload, ready to be committed.
    struct Reload: Sendable {
        var settings: Settings
        var effective: EffectiveNode
        var prepared: PreparedReload
    }

    /// Reads the configuration again and lets the features prepare the reload. If any part fails, nothing has changed.
    func prepareReload() async throws -> Reload {
        let loaded = try await BlockingCall.run { try self.loadAgain() }
        self.report(loaded.warnings)
        return Reload(
            settings: loaded.settings,
            effective: loaded.effective,
            prepared: try await self.features.prepareReload(loaded.settings)
        )
    }

    /// Commits a prepared reload and replaces the workers, or logs the failure.
    func finishReload(_ result: Result<Reload, any Error>, _ current: inout Settings) {
        switch result {
        case .success(let reload):
            self.warnAboutWhatStays(current, reload.settings)
            reload.prepared.commit()
            self.effective.replace(reload.effective)
            current = reload.settings
            self.loggers.rr.notice("the configuration was reloaded")
            self.workers.pool.reset()
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
