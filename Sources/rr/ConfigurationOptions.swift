import Application
import ArgumentParser
import Configuration
import Platform

/// Which configuration is read, and how it is overridden.
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
    ///   - path: The file when it is not the one of ``location``.
    ///   - workDirectory: The working directory when it is not the one of ``location``.
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
