import NIOCore
import WorkerPool

@testable import TCPServer

/// A connection's machine, fed with text.
struct ConnectionBench {
    var machine: ConnectionStateMachine

    init(_ mode: PacketFraming.Mode = .split, limit: Int = 1 << 20) {
        let framing = PacketFraming(mode: mode, delimiter: Array("\r\n".utf8), maximumPacketSize: limit)
        self.machine = ConnectionStateMachine(framing: framing)
    }

    /// A connection whose CONNECTED was answered with `CONTINUE`.
    static func ready(_ mode: PacketFraming.Mode = .split, limit: Int = 1 << 20) -> ConnectionBench {
        var bench = ConnectionBench(mode, limit: limit)
        _ = bench.next()
        bench.answer("CONTINUE")
        _ = bench.next()
        return bench
    }

    /// A connection with a DATA event at a worker.
    static func serving(_ mode: PacketFraming.Mode = .split) -> ConnectionBench {
        var bench = ConnectionBench.ready(mode)
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

    @discardableResult
    mutating func answer(_ context: String, _ body: String = "") -> String? {
        let reply = WorkerAnswer.reply(context: ByteBuffer(string: context), body: ByteBuffer(string: body))
        return self.machine.finished(.answered(reply)).map { String(buffer: $0) }
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
