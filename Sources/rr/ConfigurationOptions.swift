import ArgumentParser
import Configuration

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Which configuration is read, and how it is overridden.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config = ".rr.yaml"

    @Option(
        name: [.customShort("w"), .customLong("WorkDir"), .customLong("workdir")],
        help: ArgumentHelp("The working directory (default: the one of the file).", valueName: "directory")
    )
    var workDirectory: String?

    @Option(
        name: [.customShort("o"), .customLong("override")],
        parsing: .singleValue,
        help: ArgumentHelp("Override one setting; may be given again.", valueName: "key=value")
    )
    var overrides: [String] = []

    @Option(help: ArgumentHelp("A file of KEY=VALUE lines for ${KEY} in the configuration.", valueName: "file"))
    var dotenv: String?

    /// - Parameters:
    ///   - path: The file when it is not ``config``.
    ///   - workDirectory: The working directory when it is not ``workDirectory``.
    func load(
        path: String? = nil,
        workDirectory: String? = nil,
        environment: [String: String]
    ) throws(ConfigurationError) -> LoadedConfiguration {
        let loader = ConfigurationLoader(environment: environment, processorCount: processorCount())
        return try loader.load(
            path: path ?? self.config,
            workDirectory: workDirectory ?? self.workDirectory,
            overrides: self.overrides,
            dotenv: self.dotenv
        )
    }
}

/// Processors that this process may run on, at least 1.
func processorCount() -> Int {
    max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
