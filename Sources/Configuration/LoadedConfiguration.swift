/// The result of ``ConfigurationLoader``: settings, warnings, and the origin of each value.
package struct LoadedConfiguration<Settings: Sendable>: Sendable {
    /// `version`: text, any value.
    package var version: String
    /// The validated settings.
    package var settings: Settings
    /// In the order of the file, then of the overrides. At most one a key and cause.
    package var warnings: [ConfigurationWarning]
    /// The configuration file, as an absolute path.
    package var file: String
    /// The directory that relative paths count from: the one asked for, else the file's (docs/configuration.md). Absolute.
    package var workDirectory: String
    /// Every key that the schema knows with the value in force, defaults included.
    package var effective: EffectiveNode
    /// The variables that `envfile` and `dotenv` added, in order; none of them was set before. Workers get them too.
    package var environmentAdditions: [EnvironmentEntry]
    /// How many threads move bytes, 1…256, and where the number came from: `RR_EVENT_LOOPS`, or one for each CPU.
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
