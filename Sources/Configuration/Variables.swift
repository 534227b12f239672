/// The variables of the process, and what `.env` files add to them.
struct Variables: Sendable {
    let environment: [String: String]
    /// In the order of the files; none of them is in ``environment``.
    private(set) var additions: [EnvironmentEntry] = []

    init(environment: [String: String]) {
        self.environment = environment
    }

    /// Everything that `${VAR}` and `RR_*` may see.
    var all: [String: String] {
        var all = environment
        for entry in additions { all[entry.name] = entry.value }
        return all
    }

    /// Adds the lines of a file; what is set already stays, even when it is empty, as in RoadRunner.
    mutating func load(_ path: String) throws(ConfigurationError) {
        let known = all
        let bytes = try TextFile.read(path)
        do throws(DotEnvFile.Fault) {
            let entries = try DotEnvFile.parse(String(decoding: bytes, as: UTF8.self), environment: known)
            additions += entries.filter { known[$0.name] == nil }
        } catch {
            throw ConfigurationError(code: .invalidValue, message: error.message, file: path, line: error.line)
        }
    }
}
