/// What `/health` and `/ready` answer, in RoadRunner's form (docs/configuration.md).
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
            "{\"plugin_name\":\"\(Self.plugin)\",\"error_message\":\((fault ?? "").jsonQuoted),"
            + "\"status_code\":\(code)}"
        self.status = asked > 0 ? code : 200
        // However often it is named, it is told once.
        self.body = asked > 0 ? "[\(entry)]" : "[]"
    }
}
