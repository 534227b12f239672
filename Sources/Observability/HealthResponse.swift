import Text

/// The answer of `/health` and `/ready`, in RoadRunner's form (docs/configuration.md).
package struct HealthResponse: Sendable, Hashable {
    /// The plugin of RoadRunner that this service implements.
    package static let plugin = "tcp"

    /// The status of the HTTP answer.
    package var status: Int
    /// JSON: a list with an entry for each requested plugin.
    package var body: String

    /// - Parameters:
    ///   - fault: The fault, if any.
    ///   - unavailable: The status in case of a fault: `status.unavailable_status_code`.
    ///   - plugins: The requested plugins; empty means all. Others than ``plugin`` are left out, as in RoadRunner.
    package init(fault: String?, unavailable: Int, plugins: [String]) {
        let asked = plugins.isEmpty ? 1 : plugins.count { $0 == Self.plugin }
        let code = fault == nil ? 200 : unavailable
        let entry =
            "{\"plugin_name\":\"\(Self.plugin)\",\"error_message\":\((fault ?? "").jsonQuoted),"
            + "\"status_code\":\(code)}"
        self.status = asked > 0 ? code : 200
        // A plugin that is named repeatedly is listed once.
        self.body = asked > 0 ? "[\(entry)]" : "[]"
    }
}
