import NIOCore

/// The stages of one connection, one after the other: each passes what it leaves to the next. No I/O and no clock.
struct StageChain {
    /// The result of the chain for received bytes.
    enum Flow {
        /// A stage needs more.
        case waiting
        /// The handler must be put in, and ``established(by:)`` be asked about its events.
        case encrypt(Encryption)
        /// No stage is left; the bytes are the session's.
        case done(ByteBuffer)
    }

    /// The first one is waiting.
    private var stages: ArraySlice<Stage>
    private var isOpen = false
    /// Stages that were opened.
    private(set) var opened = 0
    private(set) var facts: EdgeFacts
    /// The stage whose handler is in the pipeline.
    private var encryption: (any EncryptingStage)?

    init(_ stages: [Stage], remoteAddress: SocketAddress?) {
        self.stages = stages[...]
        self.facts = EdgeFacts(remoteAddress: remoteAddress)
    }

    /// Whether a handler changes the bytes.
    var isEncrypted: Bool {
        self.encryption != nil
    }

    /// The time of the stage that is waiting.
    var deadline: StageDeadline? {
        switch self.stages.first {
        case .reading(let stage): stage.deadline
        case .encrypting(let stage): stage.deadline
        case nil: nil
        }
    }

    /// Adds a stage to a chain that is done.
    mutating func add(_ stage: any EncryptingStage) {
        self.stages = [.encrypting(stage)]
    }

    /// Receives bytes. The first call passes none, to open the first stage.
    mutating func receive(_ bytes: ByteBuffer) throws(EdgeFailure) -> Flow {
        var bytes = bytes
        while let stage = self.stages.first {
            switch stage {
            case .reading(let stage):
                guard let rest = try self.receive(bytes, stage) else { return .waiting }
                bytes = rest
                self.finish()
            case .encrypting(var stage):
                self.open()
                // Once it has its handler, that gets the bytes, and no event has told yet that it is done.
                guard bytes.readableBytes > 0, self.encryption == nil else { return .waiting }
                let encryption = try stage.received(bytes)
                self.stages[self.stages.startIndex] = .encrypting(stage)
                guard let encryption else { return .waiting }
                self.encryption = stage
                return .encrypt(encryption)
            }
        }
        return .done(bytes)
    }

    /// - Returns: The bytes that the stage leaves; `nil` while it is waiting.
    private mutating func receive(_ bytes: ByteBuffer, _ stage: any ReadingStage) throws(EdgeFailure) -> ByteBuffer? {
        var stage = stage
        if self.open() {
            let progress = try stage.opened(&self.facts)
            self.stages[self.stages.startIndex] = .reading(stage)
            if progress == .finished { return bytes }
        }
        guard bytes.readableBytes > 0 else { return nil }
        let output = try stage.received(bytes, &self.facts)
        self.stages[self.stages.startIndex] = .reading(stage)
        return output.progress == .finished ? output.bytes : nil
    }

    /// - Returns: Whether the first stage was not open.
    @discardableResult
    private mutating func open() -> Bool {
        guard !self.isOpen else { return false }
        self.isOpen = true
        self.opened += 1
        return true
    }

    private mutating func finish() {
        self.stages.removeFirst()
        self.isOpen = false
    }

    /// Whether an event says that the handshake that is waited for is done. Then ``receive(_:)`` goes on without bytes.
    mutating func established(by event: Any) -> Bool {
        guard case .encrypting? = self.stages.first, var stage = self.encryption,
            stage.isEstablished(by: event, &self.facts)
        else { return false }
        self.encryption = stage
        self.finish()
        return true
    }

    /// Why the connection fails by an error of its channel; `nil` if it is not in a handshake.
    func failure(_ error: any Error) -> EdgeFailure? {
        guard case .encrypting? = self.stages.first else { return nil }
        return self.encryption?.failure(error)
    }

    /// Whether an error is none for the session.
    func isHarmless(_ error: any Error) -> Bool {
        self.encryption?.isHarmless(error) ?? false
    }
}
