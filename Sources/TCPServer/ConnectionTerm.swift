/// How long a connection goes on.
enum ConnectionTerm {
    case unlimited
    /// It ends between two packets. `owed` bytes arrived before the drain began and are not served yet.
    case draining(owed: Int)
    /// No time is left for the client to complete a packet or to read its answers.
    case ending(owed: Int)

    var isLimited: Bool {
        switch self {
        case .unlimited: false
        case .draining, .ending: true
        }
    }

    var isEnding: Bool {
        switch self {
        case .unlimited, .draining: false
        case .ending: true
        }
    }

    /// Whether the connection has served all it owes. A packet that has begun since is completed, too, unless no time
    /// is left. A client that has ended its side gets answers to all it sent, whatever this says.
    func isDue(buffered: Int) -> Bool {
        switch self {
        case .unlimited: false
        case .draining(let owed): owed <= 0 && buffered == 0
        case .ending(let owed): owed <= 0
        }
    }

    /// - Parameter buffered: The bytes that have arrived and are not served.
    mutating func drain(owed buffered: Int) {
        if case .unlimited = self {
            self = .draining(owed: buffered)
        }
    }

    mutating func end(owed buffered: Int) {
        switch self {
        case .unlimited: self = .ending(owed: buffered)
        case .draining(let owed): self = .ending(owed: owed)
        case .ending: break
        }
    }

    /// Changes the number of bytes that are served before the connection may end.
    mutating func owe(_ count: Int) {
        switch self {
        case .unlimited: break
        case .draining(let owed): self = .draining(owed: owed + count)
        case .ending(let owed): self = .ending(owed: owed + count)
        }
    }
}
