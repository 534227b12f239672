import NIOCore

/// The stages of one connection, in order: each passes its output to the next. No I/O and no clock.
struct StageChain {
    private struct Link {
        var stage: Stage
        var state = LinkState.unopened
    }

    private enum LinkState {
        /// A stage before it is waiting.
        case unopened
        case waiting
        case established
    }

    /// The result of the chain for received bytes.
    struct Flow {
        /// For the session.
        var bytes = ByteBuffer()
        /// For the client.
        var reply = ByteBuffer()
    }

    private var links: [Link]
    /// Stages that were opened.
    private(set) var opened = 0
    private(set) var facts: EdgeFacts

    init(_ stages: [Stage], remoteAddress: SocketAddress?) {
        self.links = stages.map { Link(stage: $0) }
        self.facts = EdgeFacts(remoteAddress: remoteAddress)
    }

    /// Whether the session may begin.
    var isEstablished: Bool {
        self.links.allSatisfy { $0.state == .established }
    }

    /// Whether no stage is left: bytes can bypass the chain.
    var isEmpty: Bool {
        self.links.isEmpty
    }

    /// Whether a stage changes bytes.
    var transforms: Bool {
        self.links.contains { $0.stage.transforms }
    }

    /// The time of the stage that is waiting.
    var deadline: StageDeadline? {
        self.links.first { $0.state == .waiting }?.stage.deadline
    }

    /// Receives bytes. The first call passes none, to open the stages.
    mutating func receive(_ bytes: ByteBuffer) throws(EdgeFailure) -> Flow {
        var flow = Flow(bytes: bytes)
        var index = 0
        while index < self.links.count {
            if self.links[index].state == .unopened {
                self.opened += 1
                let progress = try self.links[index].stage.opened(&self.facts)
                guard self.note(progress, index) else {
                    continue
                }
            }
            if flow.bytes.readableBytes > 0 {
                let output = try self.links[index].stage.received(flow.bytes, &self.facts)
                flow.bytes = output.bytes
                if output.reply.readableBytes > 0 {
                    flow.reply.writeImmutableBuffer(try self.send(output.reply, from: index))
                }
                guard self.note(output.progress, index) else {
                    continue
                }
            }
            guard self.links[index].state == .established else {
                return Flow(reply: flow.reply)
            }
            index += 1
        }
        return flow
    }

    /// - Returns: Whether the stage stays in the chain.
    private mutating func note(_ progress: StageProgress, _ index: Int) -> Bool {
        switch progress {
        case .waiting:
            self.links[index].state = .waiting
        case .finished where !self.links[index].stage.transforms:
            self.links.remove(at: index)
            return false
        case .established, .finished:
            self.links[index].state = .established
        }
        return true
    }

    /// Transforms the session's bytes into those that the client is sent.
    mutating func send(_ bytes: ByteBuffer) throws(EdgeFailure) -> ByteBuffer {
        try self.send(bytes, from: self.links.count)
    }

    /// Outgoing bytes pass the stages in reverse order.
    private mutating func send(_ bytes: ByteBuffer, from index: Int) throws(EdgeFailure) -> ByteBuffer {
        var bytes = bytes
        for index in self.links.indices.prefix(index).reversed() {
            bytes = try self.links[index].stage.sending(bytes)
        }
        return bytes
    }
}

extension Stage {
    fileprivate var transforms: Bool {
        switch self {
        case .reading: false
        case .transforming: true
        }
    }

    fileprivate var deadline: StageDeadline {
        switch self {
        case .reading(let stage): stage.deadline
        case .transforming(let stage): stage.deadline
        }
    }

    fileprivate mutating func opened(_ facts: inout EdgeFacts) throws(EdgeFailure) -> StageProgress {
        switch self {
        case .reading(var stage):
            defer { self = .reading(stage) }
            return try stage.opened(&facts)
        case .transforming(var stage):
            defer { self = .transforming(stage) }
            return try stage.opened(&facts)
        }
    }

    fileprivate mutating func received(
        _ bytes: ByteBuffer,
        _ facts: inout EdgeFacts
    ) throws(EdgeFailure) -> StageOutput {
        switch self {
        case .reading(var stage):
            defer { self = .reading(stage) }
            return try stage.received(bytes, &facts)
        case .transforming(var stage):
            defer { self = .transforming(stage) }
            return try stage.received(bytes, &facts)
        }
    }

    fileprivate mutating func sending(_ bytes: ByteBuffer) throws(EdgeFailure) -> ByteBuffer {
        switch self {
        case .reading:
            return bytes
        case .transforming(var stage):
            defer { self = .transforming(stage) }
            return try stage.sending(bytes)
        }
    }
}
