import Text

/// What `/health` and `/ready` answer, in RoadRunner's form (docs/configuration.md).
package struct HealthResponse: Sendable, Hashable {
    /// The one plugin of RoadRunner's that this service is.
    package static let plugin = "tcp"

    /// The status of the HTTP answer.
    package var status: Int
    /// JSON: a list with an entry for each plugin that was asked for.
    package var body: String

    /// - Parameters:
    ///   - fault: Why not all is well, if so.
    ///   - unavailable: The status then: `status.unavailable_status_code`.
    ///   - plugins: The plugins asked for; all when empty. Others than ``plugin`` are left out, as RoadRunner does.
    package init(fault: String?, unavailable: Int, plugins: [String]) {
        let asked = plugins.isEmpty ? 1 : plugins.count { $0 == Self.plugin }
        let code = fault == nil ? 200 : unavailable
        let entry =
            "{\"plugin_name\":\"\(Self.plugin)\",\"error_message\":\((fault ?? "").jsonQuoted),"
            + "\"status_code\":\(code)}"
        self.status = asked > 0 ? code : 200
        // However often it is named, it is told once.
        self.body = asked > 0 ? "[\(entry)]" : "[]"
    }
}
