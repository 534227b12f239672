import Application
import ArgumentParser
import Configuration
import Platform

/// The options that select the configuration and override it.
struct ConfigurationOptions: ParsableArguments {
    @OptionGroup var location: LocationOptions

    @Option(
        name: [.customShort("o"), .customLong("override")],
        parsing: .singleValue,
        help: ArgumentHelp("Override one setting; may be given again.", valueName: "key=value")
    )
    var overrides: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file of KEY=VALUE lines: variables for ${KEY} in the configuration, for RR_* and for workers.",
            valueName: "file"
        ),
        completion: .file()
    )
    var dotenv: String?

    /// - Parameters:
    ///   - path: Replaces the file of ``location``.
    ///   - workDirectory: Replaces the working directory of ``location``.
    func load(
        path: String? = nil,
        workDirectory: String? = nil,
        environment: EnvironmentVariables
    ) throws(ConfigurationError) -> LoadedSettings {
        let location = ConfigurationLocation(
            argument: path ?? self.location.config,
            workDirectory: workDirectory ?? self.location.workDirectory,
            environment: environment
        )
        let loader = ConfigurationLoader(environment: environment, machine: MachineResources())
        return try loader.load(
            path: location.path,
            workDirectory: location.workDirectory,
            overrides: self.overrides,
            dotenv: self.dotenv
        )
    }
}
