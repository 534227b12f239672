/// What ``ConfigurationLoader`` found: the settings, what is odd about them, and where each value came from.
public struct LoadedConfiguration: Sendable {
    /// The validated settings.
    public var settings: Settings
    /// In the order of the file, then of the overrides. At most one a key and cause.
    public var warnings: [ConfigurationWarning]
    /// The configuration file, as an absolute path.
    public var file: String
    /// The directory that relative paths count from: the one asked for, else the file's (docs/configuration.md). Absolute.
    public var workDirectory: String
    /// Every key that the schema knows with the value in force, defaults included.
    public var effective: EffectiveNode
    /// The variables that `envfile` and `dotenv` added, in order; none of them was set before. Workers get them too.
    public var environmentAdditions: [EnvironmentEntry]
    /// How many threads move bytes, 1…256, and where the number came from: `RR_EVENT_LOOPS`, or one for each CPU.
    public var eventLoops: (number: Int, origin: ValueOrigin)

    public init(
        settings: Settings,
        warnings: [ConfigurationWarning],
        file: String,
        workDirectory: String,
        effective: EffectiveNode,
        environmentAdditions: [EnvironmentEntry],
        eventLoops: (number: Int, origin: ValueOrigin)
    ) {
        self.settings = settings
        self.warnings = warnings
        self.file = file
        self.workDirectory = workDirectory
        self.effective = effective
        self.environmentAdditions = environmentAdditions
        self.eventLoops = eventLoops
    }
}
