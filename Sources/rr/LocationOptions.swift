import Application
import ArgumentParser
import Configuration

/// The options for the configuration file and the working directory.
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

    /// The directory of a server started with the same options. A relative file counts from the working directory.
    var serverDirectory: String {
        let location = ConfigurationLocation(
            argument: self.config,
            workDirectory: self.workDirectory,
            environment: ProcessEnvironment.variables
        )
        if let directory = location.workDirectory {
            return directory
        }
        guard let slash = location.path.lastIndex(of: "/") else {
            return "."
        }
        return String(location.path[...slash])
    }
}

extension LocationOptions {
    /// Finds the server, runs the action and prints its result.
    func signal(silent: Bool, _ action: (RunningService) throws -> String) throws {
        do {
            let done = try action(RunningService(servingIn: self.serverDirectory))
            if !silent {
                Console().info(done)
            }
        } catch {
            Console().error("\(error)")
            throw ExitCode.failure
        }
    }
}
