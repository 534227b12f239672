import Addresses

/// What a server means when it refuses a command.
enum ReplyError: Equatable {
    /// The slot belongs to another server now.
    case moved(to: ListenAddress)
    /// The key is on its way to another server.
    case ask(ListenAddress)
    /// Not now: it loads its data, keys of the command are on their way to another server, or there is no master just now.
    case busy
    /// It is a replica.
    case readOnly
    case other

    /// - Parameter asked: The server that refused.
    init(_ text: String, from asked: ListenAddress) {
        let words = text.split(separator: " ", maxSplits: 3)
        switch words.first {
        case "MOVED", "ASK":
            guard words.count >= 3, let address = Self.address(words[2], asked) else {
                self = .other
                return
            }
            self = words[0] == "MOVED" ? .moved(to: address) : .ask(address)
        case "LOADING", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN": self = .busy
        case "READONLY": self = .readOnly
        default: self = .other
        }
    }

    /// - Parameter text: `host:port`; the host of an IPv6 address has no brackets.
    private static func address(_ text: Substring, _ asked: ListenAddress) -> ListenAddress? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65535).contains(port)
        else {
            return nil
        }
        return SlotMap.address(host: String(text[..<colon]), port: port, from: asked)
    }
}
