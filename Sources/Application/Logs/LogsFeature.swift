import Features

/// The log: a reload takes over levels.
struct LogsFeature: Feature {
    let loggers: Loggers

    func prepareReload(_ settings: LogSettings) async throws -> PreparedReload {
        PreparedReload { self.loggers.setLevels(settings) }
    }
}
