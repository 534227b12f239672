/// What `/health` and `/ready` answer, in RoadRunner's form (REFERENCE 5).
public struct HealthResponse: Sendable, Hashable {
    /// The one plugin of RoadRunner's that this service is.
    public static let plugin = "tcp"

    /// The status of the HTTP answer.
    public var status: Int
    /// JSON: a list with an entry for each plugin that was asked for.
    public var body: String

    /// - Parameters:
    ///   - fault: Why not all is well, if so.
    ///   - unavailable: The status then: `status.unavailable_status_code`.
    ///   - plugins: The plugins asked for; all when empty. Others than ``plugin`` are left out, as RoadRunner does.
    public init(fault: String?, unavailable: Int, plugins: [String]) {
        let asked = plugins.isEmpty ? 1 : plugins.count { $0 == Self.plugin }
        let code = fault == nil ? 200 : unavailable
        let entry =
            "{\"plugin_name\":\"\(Self.plugin)\",\"error_message\":\"\((fault ?? "").jsonEscaped)\","
            + "\"status_code\":\(code)}"
        self.status = asked > 0 ? code : 200
        // However often it is named, it is told once.
        self.body = asked > 0 ? "[\(entry)]" : "[]"
    }
}

extension String {
    /// As it stands between the quotes of a JSON string.
    fileprivate var jsonEscaped: String {
        var text = ""
        for scalar in self.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
