import Foundation
import Goridge
import Logging
import NIOCore
import NIOPosix
import Platform
import Synchronization
import Testing
import WorkerPool

@testable import WorkerProcess

/// A relay with a real process and several requests at once.
@Suite(.serialized, .timeLimit(.minutes(5))) struct WorkerRelayTests {
    /// Reads frames, one `read` for as many as there are, and answers an event with its body; "die" ends it, "error" is
    /// answered with an error, "silent" not at all, "stop" by the wish to be replaced. "unheard" loses its output, "garbage"
    /// is answered with text, and it goes on, but for "… hang". `batched` gathers answers until no whole frame is left, and so
    /// dies with them; `careful` reads no more than the next frame.
    private static let worker = #"""
        import json, os, signal, struct, sys, zlib
        batched, careful = sys.argv[1] == "batched", sys.argv[1] == "careful"
        pending, gathered, reads = b"", b"", 0
        def send(flags, option, payload):
            global gathered
            head = struct.pack("<BBI", 0x13 + len(option) // 4, flags, len(payload))
            gathered += head + struct.pack("<I", zlib.crc32(head)) + b"\0\0" + option + payload
        def flush():
            global gathered
            while gathered: gathered = gathered[os.write(1, gathered):]
        def answer(context, body): send(0, struct.pack("<I", len(context)), context + body)
        while True:
            length = struct.unpack_from("<I", pending, 2)[0] if len(pending) >= 12 else 0
            size = 4 * (pending[0] & 15) + length if len(pending) >= 12 else 12
            if len(pending) < size or len(pending) < 12:
                flush()
                chunk = os.read(0, max(size, 12) - len(pending) if careful else 1 << 20)
                if not chunk: sys.exit(0)
                reads += 1
                pending += chunk
                continue
            flags, payload, pending = pending[1], pending[size - length:size], pending[size:]
            if flags & 1:
                if b"stop" in payload: flush(); sys.exit(0)
                about = {"pid": os.getpid()}
                if batched: about["answers"] = "batched"
                send(1, b"", json.dumps(about).encode())
            elif payload == b"die": sys.exit(7)
            elif payload == b"error": send(0x40, b"", b"boom")
            elif payload == b"silent": pass
            elif payload.startswith(b"unheard"): os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
            elif payload.startswith(b"garbage"): os.write(1, b"PHP Warning: this is no frame")
            elif payload == b"stop": answer(b'{"stop":true}', b"")
            elif payload == b"reads": answer(b"WRITE", b"%d" % reads)
            else: answer(b"WRITE", payload)
            if payload.endswith(b"hang"): signal.pause()
            if not batched: flush()
        """#

    enum Kind: String {
        case batched, plain, careful

        static let allCases = [Self.batched, .plain]
    }

    @Test(arguments: Kind.allCases)
    func answersComeInOrderAndTogether(kind: Kind) async throws {
        try await self.serve(kind) { bench in
            let bodies = (0..<64).map { $0 == 20 ? "error" : "event \($0)" }
            bench.give(bodies)
            try await bench.expect(bodies.map { $0 == "error" ? "boom" : $0 })
            bench.give(["reads"])
            let before = Int(try await bench.answers(1)[0]) ?? 0
            // Requests that are given together become one write. A worker that is slow by chance is asked after meanwhile.
            try await bench.giveAtOnce((0..<32).map { "event \($0)" } + ["reads"])
            let after = Int(try await bench.answers(33)[32]) ?? 0
            #expect(after - before <= 2)
        }
    }

    @Test func anEventThatIsForgottenIsToldInItsPlace() async throws {
        try await self.serve(.plain) { bench in
            bench.give(["a", "silent", "b", "error", "silent", "c"])
            try await bench.expect(["a", "missing", "b", "boom", "missing", "c"])
        }
    }

    /// A large body is written on its own, in its place.
    @Test(arguments: Kind.allCases)
    func largeAndSmallStayInOrder(kind: Kind) async throws {
        try await self.serve(kind) { bench in
            let large = String(repeating: "x", count: 300_000)
            let bodies = (0..<12).map { $0 % 3 == 1 ? "\($0)\(large)" : "\($0)" }
            bench.give(bodies)
            try await bench.expect(bodies)
        }
    }

    @Test func ofAWorkerThatDiesTheFirstIsBegun() async throws {
        try await self.serve(.plain) { bench in
            bench.give(["a", "b", "die", "c", "d"])
            try await bench.expect(["a", "b"])
            try await bench.expectFailure(begun: 1)
        }
    }

    @Test func ofAWorkerThatGathersAllThatItHasReadIsBegun() async throws {
        try await self.serve(.batched) { bench in
            bench.give(["a", "b", "die", "c", "d"])
            try await bench.expectFailure(begun: 5)
        }
    }

    @Test(arguments: Kind.allCases)
    func whatNobodyHasReadIsNotBegun(kind: Kind) async throws {
        try await self.serve(kind) { bench in
            try await bench.stopProcess()
            try await bench.giveAtOnce((0..<20).map { "event \($0)" })
            bench.relay?.signal(SIGKILL)
            try await bench.expectFailure(begun: 0)
        }
    }

    @Test func aWorkerThatGoesOnUnheardHasBegunWhatItHasRead() async throws {
        try await self.serve(.plain) { bench in
            try await bench.giveAtOnce(["a", "unheard", "b", "c"])
            try await bench.expect(["a"])
            try await bench.expectFailure(begun: 3)
            #expect(try !bench.isAlive, "it may begin them until then")
        }
    }

    @Test func whatAnUnheardWorkerHasNotReadItNeverReads() async throws {
        try await self.serve(.careful) { bench in
            try await bench.giveAtOnce(["a", "unheard hang", "b", "c"])
            try await bench.expect(["a"])
            try await bench.expectFailure(begun: 1)
            #expect(try bench.isAlive, "it need not be waited for")
        }
    }

    @Test func aWorkerThatBreaksTheProtocolHasBegunWhatItHasRead() async throws {
        try await self.serve(.plain) { bench in
            try await bench.giveAtOnce(["a", "garbage", "b", "c"])
            try await bench.expect(["a"])
            try await bench.expectFailure(begun: 3)
            #expect(try !bench.isAlive, "it may begin them until then")
        }
    }

    @Test func whatIsUnreadWhenAWorkerBreaksTheProtocolIsTakenFromIt() async throws {
        try await self.serve(.careful) { bench in
            try await bench.giveAtOnce(["a", "garbage hang", "b", "c"])
            try await bench.expect(["a"])
            try await bench.expectFailure(begun: 1)
            #expect(try bench.isAlive, "it need not be waited for")
        }
    }

    @Test(arguments: Kind.allCases)
    func aRefusalIsToldInItsPlace(kind: Kind) async throws {
        try await self.serve(kind) { bench in
            bench.give(["a", "stop", "b", "c"])
            if kind == .batched {
                try await bench.expect(["a", "refused, the last"])
            } else {
                try await bench.expect(["a", "refused", "b", "c"])
            }
        }
    }

    // MARK: The bench

    private func serve(_ kind: Kind, _ body: @Sendable @escaping (Bench) async throws -> Void) async throws {
        let command = WorkerCommand(
            arguments: ["python3", "-c", Self.worker, kind.rawValue],
            environment: ["PATH=\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin")"].map { Array($0.utf8) },
            workingDirectory: "/"
        )
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let launcher = WorkerProcessLauncher(
            command: command,
            loops: [loop],
            handshakeTimeout: .seconds(60),
            serverPID: Int(getpid()),
            listener: nil,
            outOfMemoryKills: OutOfMemoryKills(),
            isPipelined: true,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let bench = Bench(loop: loop)
        let life = Task { await launcher.run(WorkerID(place: 0, generation: 1), slot: 0, events: bench) }
        defer { life.cancel() }
        try await bench.ready(kind)
        try await body(bench)
        life.cancel()
        await life.value
    }

    private final class Request: PoolRequest {
        let body: String
        let loopIndex = 0
        let isLast = false

        init(_ body: String) {
            self.body = body
        }

        var size: Int {
            self.body.utf8.count + 16
        }

        func write(into frame: inout ByteBuffer, for worker: WorkerID) -> ByteBuffer? {
            frame.writeFrameHeader(
                FrameHeader(flags: [], optionCount: 1, payloadLength: UInt32(self.body.utf8.count)))
            frame.writeInteger(UInt32(0))
            guard self.body.utf8.count < 100_000 else {
                return ByteBuffer(string: self.body)
            }
            frame.writeString(self.body)
            return nil
        }

        func finished(_ outcome: RequestOutcome) {}
    }

    /// Takes the place of the pool.
    private final class Bench: WorkerEvents {
        private enum Event {
            case ready
            case pipelines
            case answer(String)
            case failure(Int)
        }

        let pendingAnswers = PendingAnswers()
        private let loop: any EventLoop
        private let handle = Mutex<(any WorkerHandle)?>(nil)
        private let events: AsyncStream<Event>
        private let tell: AsyncStream<Event>.Continuation

        init(loop: any EventLoop) {
            self.loop = loop
            (self.events, self.tell) = AsyncStream.makeStream()
        }

        var relay: WorkerRelay? {
            self.handle.withLock { $0 as? WorkerRelay }
        }

        func give(_ bodies: [String]) {
            let handle = self.handle.withLock { $0 }
            for body in bodies {
                handle?.enqueue(Request(body))
            }
            handle?.serve()
        }

        /// Gives all in one turn of the loop, and returns when they are written.
        func giveAtOnce(_ bodies: [String]) async throws {
            try await self.loop.submit { self.give(bodies) }.get()
            try await self.loop.submit {}.get()
        }

        /// Whether the process can do anything yet.
        var isAlive: Bool {
            get throws {
                guard let pid = self.relay?.processID else {
                    return false
                }
                // It may be reaped meanwhile.
                let line = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
                return line?.contains(") Z ") == false
            }
        }

        /// Returns when the process does not read any more.
        func stopProcess() async throws {
            let pid = try #require(self.relay?.processID)
            self.relay?.signal(SIGSTOP)
            while try !String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8).contains(") T ") {
                try await Task.sleep(for: .milliseconds(1))
            }
        }

        private func next() async throws -> Event {
            for await event in self.events {
                return event
            }
            throw CancellationError()
        }

        func ready(_ kind: Kind) async throws {
            guard case .ready = try await self.next() else {
                throw CancellationError()
            }
            if kind != .batched {
                for _ in 0..<16 {
                    self.give(["hello"])
                    try await self.expect(["hello"])
                }
            }
            guard case .pipelines = try await self.next() else {
                Issue.record("it is given one request at a time")
                return
            }
        }

        func answers(_ count: Int) async throws -> [String] {
            var answers: [String] = []
            while answers.count < count {
                guard case .answer(let text) = try await self.next() else {
                    Issue.record("no answer behind \(answers)")
                    break
                }
                answers.append(text)
            }
            return answers
        }

        func expect(_ texts: [String], sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let answers = try await self.answers(texts.count)
            #expect(answers == texts, sourceLocation: sourceLocation)
        }

        func expectFailure(begun: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            while true {
                if case .failure(let count) = try await self.next() {
                    #expect(count == begun, sourceLocation: sourceLocation)
                    return
                }
            }
        }

        func workerStarted(_ id: WorkerID, _ handle: any WorkerHandle) {
            self.handle.withLock { $0 = handle }
        }

        func workerReady(_ id: WorkerID, _ handle: any WorkerHandle) {
            self.tell.yield(.ready)
        }

        func workerPipelines(_ id: WorkerID) {
            self.tell.yield(.pipelines)
        }

        func workerAnswered(_ id: WorkerID, _ answers: inout [WorkerAnswer]) {
            for answer in answers {
                switch answer {
                case .reply(_, let body): self.tell.yield(.answer(String(buffer: body)))
                case .error(let message): self.tell.yield(.answer(String(buffer: message)))
                case .missing: self.tell.yield(.answer("missing"))
                }
            }
            answers.removeAll()
        }

        func workerRefused(_ id: WorkerID, isLast: Bool) {
            self.tell.yield(.answer(isLast ? "refused, the last" : "refused"))
            self.handle.withLock { $0 }?.stop(timeout: .seconds(60))
        }

        func workerFailed(_ id: WorkerID, _ failure: WorkerFailure, begun: Int) {
            self.tell.yield(.failure(begun))
        }
    }
}
