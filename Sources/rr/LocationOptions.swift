import ArgumentParser

/// Where the configuration file and the working directory are.
struct LocationOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The configuration file (default: the first of RR_CONFIG that exists, or .rr.yaml).",
            valueName: "file"
        ),
        completion: .file()
    )
    var config: String?

    @Option(
        name: [.customShort("w"), .customLong("WorkDir"), .customLong("workdir")],
        help: ArgumentHelp("The working directory (default: the one of the file).", valueName: "directory"),
        completion: .directory
    )
    var workDirectory: String?
}
