import NIOCore
import WorkerPool

@testable import TCPServer

/// The rules that have a delimiter.
enum FramingMode: CaseIterable {
    case merge
    case split
}

extension PacketFraming {
    init(mode: FramingMode, delimiter: [UInt8], maximumPacketSize: Int) {
        let delimiter = Delimiter(delimiter)
        self.init(mode == .merge ? .merge(delimiter) : .split(delimiter), maximumPacketSize: maximumPacketSize)
    }

    /// The mode and the delimiter that it was made of.
    var delimited: (FramingMode, [UInt8]) {
        switch self.rule {
        case .merge(let delimiter): (.merge, delimiter.bytes)
        case .split(let delimiter): (.split, delimiter.bytes)
        default: preconditionFailure("the rule has no delimiter")
        }
    }
}

/// A connection's machine, fed with text.
struct ConnectionBench {
    var machine: ConnectionStateMachine

    init(_ mode: FramingMode = .split, limit: Int = 1 << 20, readBufferSize: Int = 1 << 16) {
        let framing = PacketFraming(mode: mode, delimiter: Array("\r\n".utf8), maximumPacketSize: limit)
        self.machine = ConnectionStateMachine(SessionRules(framing: framing, readBufferSize: readBufferSize))
    }

    /// A connection with another rule, whose CONNECTED was answered with `CONTINUE`.
    static func ready(_ rule: PacketFraming.Rule, limit: Int = 1 << 20) -> ConnectionBench {
        var bench = ConnectionBench()
        let framing = PacketFraming(rule, maximumPacketSize: limit)
        bench.machine = ConnectionStateMachine(SessionRules(framing: framing, readBufferSize: 1 << 16))
        _ = bench.next()
        bench.answer("CONTINUE")
        _ = bench.next()
        return bench
    }

    /// A connection whose CONNECTED was answered with `CONTINUE`.
    static func ready(
        _ mode: FramingMode = .split,
        limit: Int = 1 << 20,
        readBufferSize: Int = 1 << 16
    ) -> ConnectionBench {
        var bench = ConnectionBench(mode, limit: limit, readBufferSize: readBufferSize)
        _ = bench.next()
        bench.answer("CONTINUE")
        _ = bench.next()
        return bench
    }

    /// A connection with a DATA event at a worker.
    static func serving(_ mode: FramingMode = .split, readBufferSize: Int = 1 << 16) -> ConnectionBench {
        var bench = ConnectionBench.ready(mode, readBufferSize: readBufferSize)
        bench.receive("x\r\n")
        _ = bench.next()
        return bench
    }

    mutating func next() -> ConnectionStateMachine.Step {
        self.machine.next()
    }

    mutating func receive(_ text: String) {
        self.machine.received(ByteBuffer(string: text))
    }

    /// The client ends its side, whose answers are not to be read any more.
    mutating func clientEnds() {
        _ = self.machine.clientEnded()
    }

    @discardableResult
    mutating func answer(_ context: String, _ body: String = "", to packet: String = "") -> String? {
        let reply = WorkerAnswer.reply(context: ByteBuffer(string: context), body: ByteBuffer(string: body))
        return self.machine.finished(.answered(reply), of: ByteBuffer(string: packet)).map { String(buffer: $0) }
    }

    @discardableResult
    mutating func fail(_ failure: RequestFailure) -> String? {
        self.machine.finished(.failed(failure)).map { String(buffer: $0) }
    }

    /// The steps up to the next wait, or the end.
    mutating func steps() -> [ConnectionStateMachine.Step] {
        var steps: [ConnectionStateMachine.Step] = []
        while true {
            let step = self.machine.next()
            if step == .wait {
                return steps
            }
            steps.append(step)
            if step == .finished {
                return steps
            }
        }
    }
}

extension ConnectionStateMachine.Step {
    static let connected = ConnectionStateMachine.Step.submit(.connected, ByteBuffer())
    static let close = ConnectionStateMachine.Step.submit(.close, ByteBuffer())

    static func data(_ text: String) -> ConnectionStateMachine.Step {
        .submit(.data, ByteBuffer(string: text))
    }
}

extension RequestFailure {
    static let gone = RequestFailure.workerGone(WorkerFailure(.exit, "gone"))
}
