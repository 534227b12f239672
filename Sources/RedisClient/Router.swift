import Addresses
import NIOCore

/// Decides which server a call goes to, and what becomes of a call that a server has refused or lost.
struct Router {
    enum Target: Equatable {
        case server(ListenAddress)
        /// The servers have to be asked for first.
        case unknown
        case none(RedisError)
    }

    struct Verdict {
        enum Next {
            case finish(Result<RESPValue, RedisError>)
            case retry(after: TimeAmount)
            case redirect(to: ListenAddress)
        }

        var next: Next
        /// Whether another server may be the right one by now.
        var isOutdated = false
        /// Whether the connection to the server is worth nothing.
        var endsLink = false
    }

    private enum Knowledge: Equatable {
        case fixed(ListenAddress)
        /// → master, slots
        case nothing
        case master(ListenAddress)
        case slots(SlotMap)
    }

    /// The most servers that a call is sent on to.
    private static let mostRedirections = 5

    private let configuration: RedisConfiguration
    private var knowledge: Knowledge

    init(_ configuration: RedisConfiguration) {
        self.configuration = configuration
        switch configuration.topology {
        case .single(let address): self.knowledge = .fixed(address)
        case .sentinel, .cluster: self.knowledge = .nothing
        }
    }

    func target(of call: Call) -> Target {
        if let pinned = call.pinned { return .server(pinned) }
        switch self.knowledge {
        case .fixed(let address), .master(let address): return .server(address)
        case .nothing: return .unknown
        case .slots(let map):
            guard let master = call.command.slot.map(map.master) ?? map.masters.first else {
                return .none(RedisError(.reply, "CLUSTERDOWN Hash slot not served"))
            }
            return .server(master)
        }
    }

    /// All servers that take writes; `nil` while they are unknown.
    var masters: [ListenAddress]? {
        switch self.knowledge {
        case .fixed(let address), .master(let address): [address]
        case .nothing: nil
        case .slots(let map): map.masters
        }
    }

    // MARK: Discovery

    /// What a server is asked to find the masters; `nil` if there is no need.
    var question: RedisCommand? {
        switch self.configuration.topology {
        case .single: nil
        case .sentinel(let master, _): RedisCommand(["SENTINEL", "get-master-addr-by-name", .text(master)])
        case .cluster: RedisCommand(["CLUSTER", "SLOTS"])
        }
    }

    /// Whom to ask, the best first.
    var sources: [ListenAddress] {
        switch self.configuration.topology {
        case .single: []
        case .sentinel(_, let sentinels): sentinels.distinct
        case .cluster(let nodes): ((self.masters ?? []) + nodes).distinct
        }
    }

    /// Takes the reply to ``question``.
    ///
    /// - Returns: Whether the masters are others than before.
    mutating func learn(_ reply: RESPValue, from asked: ListenAddress) throws(RedisError) -> Bool {
        let before = self.knowledge
        switch self.configuration.topology {
        case .single: return false
        case .sentinel(let master, _):
            guard let fields = reply.list, fields.count == 2, let host = fields[0].string,
                let port = fields[1].string.flatMap({ Int($0) }),
                let address = SlotMap.address(host: host, port: port, from: asked)
            else {
                throw RedisError(.reply, Self.text(of: reply) ?? "redis: no sentinel knows a master `\(master)`")
            }
            self.knowledge = .master(address)
        case .cluster:
            guard let map = SlotMap(reply, from: asked) else {
                throw RedisError(.reply, Self.text(of: reply) ?? "CLUSTERDOWN Hash slot not served")
            }
            self.knowledge = .slots(map)
        }
        return self.knowledge != before
    }

    private static func text(of reply: RESPValue) -> String? {
        guard case .error(let text) = reply else { return nil }
        return text
    }

    // MARK: Failures

    /// A server has replied.
    func verdict(on call: Call, _ reply: RESPValue, from server: ListenAddress) -> Verdict {
        guard case .error(let text) = reply else { return Verdict(next: .finish(.success(reply))) }
        let failure = Verdict.Next.finish(.failure(RedisError(.reply, text)))
        let canMove = call.pinned == nil && call.redirections < Self.mostRedirections
        switch ReplyError(text, from: server) {
        case .moved(let address): return Verdict(next: canMove ? .redirect(to: address) : failure, isOutdated: true)
        case .ask(let address): return Verdict(next: canMove ? .redirect(to: address) : failure)
        case .busy: return Verdict(next: self.retry(call) ?? failure, isOutdated: true)
        case .readOnly:
            return Verdict(next: self.retry(call) ?? failure, isOutdated: true, endsLink: self.question != nil)
        case .other: return Verdict(next: failure)
        }
    }

    /// A connection was lost, or there was none.
    ///
    /// - Parameter isUnknown: Whether the server may have run the command.
    func verdict(on call: Call, _ error: RedisError, isUnknown: Bool, now: NIODeadline) -> Verdict {
        let failure = Verdict.Next.finish(.failure(error))
        // Before it was written a call has waited for as many attempts to connect as it may, to the only server there is.
        let mayRetry = isUnknown ? call.command.isRepeatable : self.question != nil && call.pinned == nil
        guard mayRetry, error.kind == .network, now < call.arrived + self.configuration.dialTimeout else {
            return Verdict(next: failure)
        }
        return Verdict(next: self.retry(call) ?? failure)
    }

    private func retry(_ call: Call) -> Verdict.Next? {
        guard call.retries < self.configuration.retries else { return nil }
        return .retry(after: self.configuration.backoff(after: call.retries + 1))
    }
}
