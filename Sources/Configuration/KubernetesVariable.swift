/// The variables that Kubernetes sets in every container for each service of the namespace.
///
/// For a service `rr-tcp`: `RR_TCP_SERVICE_HOST`, `RR_TCP_SERVICE_PORT`, `RR_TCP_SERVICE_PORT_SMTP`, `RR_TCP_PORT`, and
/// `RR_TCP_PORT_25_TCP` alone or with `_PROTO`, `_PORT`, `_ADDR`.
enum KubernetesVariable {
    static func matches(_ name: String) -> Bool {
        var words = name.split(separator: "_", omittingEmptySubsequences: false)
        if words.suffix(2) == ["SERVICE", "HOST"] || words.last == "PORT" || named(words) { return true }
        if let last = words.last, ["PROTO", "ADDR"].contains(last) { words.removeLast() }
        return isPort(words)
    }

    /// `…_SERVICE_PORT_<NAME>`
    private static func named(_ words: [Substring]) -> Bool {
        zip(words, words.dropFirst()).contains { $0 == ("SERVICE", "PORT") }
    }

    /// `…_PORT_<number>_<protocol>`
    private static func isPort(_ words: [Substring]) -> Bool {
        guard words.count > 3, let transport = words.last, ["TCP", "UDP", "SCTP"].contains(transport) else {
            return false
        }
        return words[words.count - 3] == "PORT" && UInt16(words[words.count - 2]) != nil
    }
}
