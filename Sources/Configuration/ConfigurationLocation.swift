/// Which file is the configuration, and where workers start, from `-c`, `-w` and `RR_CONFIG`.
///
/// `RR_CONFIG` is for images: files separated by colons of which the first that exists is taken when there is no `-c`,
/// also when it cannot be read: that is an error then, and no reason to serve something else. Workers start in the
/// current directory, since the file may be mounted anywhere. RoadRunner has no such variable.
package struct ConfigurationLocation: Equatable, Sendable {
    static let variable = "RR_CONFIG"

    /// As ``ConfigurationLoader/load(path:workDirectory:overrides:dotenv:)`` takes it.
    package let path: String
    /// `nil` means the directory of the file.
    package let workDirectory: String?

    /// - Parameters:
    ///   - argument: `-c`; wins over `RR_CONFIG`. Empty, as a variable of a script may be, it counts as not given.
    ///   - workDirectory: `-w`, the same; relative files of `RR_CONFIG` count from there, too.
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
            // When there is none the last is the one to complain of: the others are only alternatives to it.
            self.path = candidates.first(where: exists) ?? last
            self.workDirectory = workDirectory ?? "."
        } else {
            self.path = ".rr.yaml"
            self.workDirectory = workDirectory
        }
    }
}
