/// What is said on a new connection before any call: the login, then the database or what the connection listens to.
struct Greeting: Sendable {
    enum Step: Sendable, Equatable {
        case send(RedisCommand)
        case done
        case refused(String)
    }

    private enum State {
        /// → loggingIn, selecting, subscribing, done
        case greeting
        /// In the words of a server, or a proxy, that does not know `HELLO`: Redis before 6. → selecting, subscribing,
        /// done
        case loggingIn
        /// → done
        case selecting
        /// → done
        case subscribing
        case done
    }

    private let login: RedisLogin
    /// Whether a replica is refused: it would refuse each write.
    private let needsMaster: Bool
    /// A connection with a channel is told what happens, and takes no calls.
    let channel: String?
    private var state = State.greeting

    init(_ login: RedisLogin, needsMaster: Bool = false, channel: String? = nil) {
        self.login = login
        self.needsMaster = needsMaster
        self.channel = channel
    }

    var first: RedisCommand {
        var arguments: [RedisCommand.Argument] = ["HELLO", "3"]
        if !self.login.password.isEmpty {
            let username = self.login.username.isEmpty ? "default" : self.login.username
            arguments += ["AUTH", .text(username), .text(self.login.password)]
        }
        return RedisCommand(arguments)
    }

    mutating func next(_ reply: RESPValue) -> Step {
        if case .error(let text) = reply {
            guard case .greeting = self.state, Self.knowsNoHello(text) else { return .refused(text) }
            return self.logIn()
        }
        if case .greeting = self.state, self.needsMaster, let role = Self.role(reply), role != "master" {
            return .refused("redis: the server is a \(role), not the master")
        }
        switch self.state {
        case .greeting, .loggingIn: return self.select()
        case .selecting, .subscribing, .done:
            self.state = .done
            return .done
        }
    }

    private static func knowsNoHello(_ text: String) -> Bool {
        text.hasPrefix("NOPROTO") || text.hasPrefix("ERR ") && !text.hasPrefix("ERR max number of clients")
    }

    private static func role(_ reply: RESPValue) -> String? {
        guard let fields = reply.list else { return nil }
        return zip(fields, fields.dropFirst()).first { $0.0.string == "role" }?.1.string
    }

    private mutating func logIn() -> Step {
        guard !self.login.password.isEmpty else { return self.select() }
        self.state = .loggingIn
        let username: [RedisCommand.Argument] = self.login.username.isEmpty ? [] : [.text(self.login.username)]
        return .send(RedisCommand(["AUTH"] + username + [.text(self.login.password)]))
    }

    private mutating func select() -> Step {
        if let channel {
            self.state = .subscribing
            return .send(RedisCommand(["SUBSCRIBE", .text(channel)]))
        }
        guard self.login.database != 0 else {
            self.state = .done
            return .done
        }
        self.state = .selecting
        return .send(RedisCommand(["SELECT", .number(self.login.database)]))
    }
}
