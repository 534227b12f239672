/// The configuration file and the workers' directory, from `-c`, `-w` and `RR_CONFIG`.
///
/// `RR_CONFIG` is for images: a list of files separated by colons. Without `-c`, the first file that exists is used; if
/// it cannot be read, that is an error, and no later file takes its place. Workers start in the current directory: the
/// file may be mounted anywhere. RoadRunner has no such variable.
package struct ConfigurationLocation: Equatable, Sendable {
    static let variable = "RR_CONFIG"

    /// The path for ``ConfigurationLoader/load(path:workDirectory:overrides:dotenv:)``.
    package let path: String
    /// `nil` means the directory of the file.
    package let workDirectory: String?

    /// - Parameters:
    ///   - argument: `-c`; overrides `RR_CONFIG`. An empty value, such as from a script's variable, counts as absent.
    ///   - workDirectory: `-w`, with the same rule; relative files of `RR_CONFIG` count from there, too.
    package init(argument: String?, workDirectory: String?, environment: EnvironmentVariables) {
        let directory = FilePath.absolute(workDirectory ?? "", in: FilePath.current)
        self.init(argument: argument, workDirectory: workDirectory, environment: environment) { path in
            !FilePath.isAbsent(FilePath.absolute(path, in: directory))
        }
    }

    init(argument: String?, workDirectory: String?, environment: EnvironmentVariables, exists: (String) -> Bool) {
        let argument = argument.flatMap { $0.isEmpty ? nil : $0 }
        let workDirectory = workDirectory.flatMap { $0.isEmpty ? nil : $0 }
        let candidates = (environment[Self.variable] ?? "").split(separator: ":").map(String.init)
        if let argument {
            self.path = argument
            self.workDirectory = workDirectory
        } else if let last = candidates.last {
            // If none exists, report the last: the others are only alternatives to it.
            self.path = candidates.first(where: exists) ?? last
            self.workDirectory = workDirectory ?? "."
        } else {
            self.path = ".rr.yaml"
            self.workDirectory = workDirectory
        }
    }
}
