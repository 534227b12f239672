/// The variables of the process, and the additions of `.env` files.
struct Variables: Sendable {
    let environment: EnvironmentVariables
    /// In the order of the files; none of them is in ``environment``.
    private(set) var additions: [EnvironmentEntry] = []

    init(environment: EnvironmentVariables) {
        self.environment = environment
    }

    /// All variables for `${VAR}` and `RR_*`.
    var all: EnvironmentVariables { environment.setting(additions) }

    /// Adds the lines of a file. Variables that are already set stay, even if they are empty, as in RoadRunner.
    mutating func load(_ path: String) throws(ConfigurationError) {
        let known = all
        let bytes = try TextFile.read(path, isUTF8: false)
        do throws(DotEnvFile.Fault) {
            let entries = try DotEnvFile.parse(bytes, environment: known)
            additions += entries.filter { known.value($0.name) == nil }
        } catch {
            throw ConfigurationError(code: .invalidValue, message: error.message, file: path, line: error.line)
        }
    }
}
