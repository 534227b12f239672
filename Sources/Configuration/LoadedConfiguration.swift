/// The result of ``ConfigurationLoader``: settings, warnings, and the origin of each value.
package struct LoadedConfiguration<Settings: Sendable>: Sendable {
    /// `version`: text, any value.
    package var version: String
    /// The validated settings.
    package var settings: Settings
    /// In the order of the file, then of the overrides; at most one per key and cause.
    package var warnings: [ConfigurationWarning]
    /// The configuration file, as an absolute path.
    package var file: String
    /// The directory that relative paths count from: the one asked for, else the file's (docs/configuration.md). Absolute.
    package var workDirectory: String
    /// Every key that the schema knows with the value in force, defaults included.
    package var effective: EffectiveNode
    /// The variables that `envfile` and `dotenv` added, in order. None of them was set before. Workers get them, too.
    package var environmentAdditions: [EnvironmentEntry]
    /// The number of threads that move bytes, 1…256, and its origin: `RR_EVENT_LOOPS`, or one per CPU.
    package var eventLoops: (number: Int, origin: ValueOrigin)

    package init(
        version: String,
        settings: Settings,
        warnings: [ConfigurationWarning],
        file: String,
        workDirectory: String,
        effective: EffectiveNode,
        environmentAdditions: [EnvironmentEntry],
        eventLoops: (number: Int, origin: ValueOrigin)
    ) {
        self.version = version
        self.settings = settings
        self.warnings = warnings
        self.file = file
        self.workDirectory = workDirectory
        self.effective = effective
        self.environmentAdditions = environmentAdditions
        self.eventLoops = eventLoops
    }
}
