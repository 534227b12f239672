import YAML

extension SectionReader {
    /// Reads the root's `version`, with RoadRunner's error messages (docs/configuration.md).
    mutating func version() throws(ConfigurationError) -> String {
        guard let (scalar, place) = try scalar("version") else {
            throw self.place.error(
                .invalidVersion,
                "rr configuration file should contain a version e.g: version: 3",
                key: "version",
                fix: "add `version: \"3\"`"
            )
        }
        let type: String
        switch scalar.scalar.resolved {
        case .text(let text):
            note("version", .text(text), from: place)
            return text
        case .integer: type = "int"
        case .float: type = "float64"
        case .bool: type = "bool"
        case .null: type = "<nil>"
        }
        throw place.error(
            .invalidVersion,
            "version should be a string: `version: \"3\"`, actual type is: \(type)",
            key: "version",
            fix: "quote it"
        )
    }
}
