import NIOCore
import NIOEmbedded
import RPC
import Synchronization
import TestSupport
import Testing

@testable import Locks

/// The service over its methods, on a loop whose clock is the test's.
@Suite struct LockServiceTests {
    private let loop = EmbeddedEventLoop()
    private let service: LockService

    init() {
        self.service = LockService(loop: self.loop)
    }

    private func call(
        _ method: String, _ argument: ByteBuffer, _ codec: RPCCodec = .proto
    ) -> (reply: RPCReply?, result: Results) {
        let results = Results()
        let call = RPCCall(codec: codec, argument: argument)
        switch self.service.rpc.methods[method] {
        case .immediate(let body):
            results.add(Result { () throws(RPCError) in try body(call) })
            return (nil, results)
        case .deferred(let body):
            let reply = RPCReply { results.add($0) }
            body(call, reply)
            return (reply, results)
        case nil:
            Issue.record("no method \(method)")
            return (nil, results)
        }
    }

    /// What came of a call.
    private final class Results: Sendable {
        private let all = Mutex<[Result<ByteBuffer, RPCError>]>([])

        func add(_ result: Result<ByteBuffer, RPCError>) {
            self.all.withLock { $0.append(result) }
        }

        /// The text or the bytes of the only result; `nil` before it.
        var text: String? {
            let all = self.all.withLock { $0 }
            if all.count > 1 { Issue.record("\(all.count) results") }
            return switch all.first {
            case nil: nil
            case .success(let buffer): String(buffer: buffer)
            case .failure(let error): error.text
            }
        }
    }

    private func json(_ method: String, _ text: String) -> String? {
        self.call(method, ByteBuffer(string: text), .json).result.text
    }

    private func message(_ id: String, ttl: Int64 = 0, wait: Int64 = 0) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeProtobuf("r", field: 1)
        buffer.writeProtobuf(id, field: 2)
        buffer.writeProtobuf(UInt64(bitPattern: ttl), field: 3)
        buffer.writeProtobuf(UInt64(bitPattern: wait), field: 4)
        return buffer
    }

    @Test func theBytesOfPHP() {
        // Resource job, id id, ttl 10 s, wait 0 written out.
        let request = ByteBuffer(bytes: [
            0x0A, 0x03, 0x6A, 0x6F, 0x62, 0x12, 0x02, 0x69, 0x64, 0x18, 0x80, 0xAD, 0xE2, 0x04, 0x20, 0x00,
        ])
        #expect(self.call("Lock", request).result.text == "\u{8}\u{1}")
        #expect(self.call("Lock", request).result.text == "")
        #expect(self.call("Exists", request).result.text == "\u{8}\u{1}")
        self.loop.advanceTime(by: .seconds(10))
        #expect(self.call("Exists", request).result.text == "")
        #expect(self.call("Release", request).result.text == "")
    }

    @Test func jsonHasTheSameNames() {
        #expect(self.json("Lock", #"{"Resource":"a","ID":"1","ttl":1000000,"wait":0,"more":[1]}"#) == #"{"ok":true}"#)
        #expect(self.json("LockRead", #"{"resource":"a","id":"2"}"#) == #"{"ok":false}"#)
        #expect(self.json("Exists", #"{"resource":"a","id":"*"}"#) == #"{"ok":true}"#)
        #expect(self.json("UpdateTTL", #"{"resource":"a","id":"1","ttl":null}"#) == #"{"ok":true}"#)
        self.loop.advanceTime(by: .hours(24 * 364))
        #expect(self.json("Release", #"{"resource":"a","id":"1"}"#) == #"{"ok":true}"#)
        #expect(self.json("ForceRelease", #"{"resource":"a"}"#) == #"{"ok":false}"#)
        #expect(self.json("ForceRelease", "") == #"{"ok":false}"#)
    }

    @Test(arguments: ["Lock", "LockRead", "Release", "Exists", "UpdateTTL"])
    func anEmptyIDIsAnError(method: String) {
        #expect(self.json(method, #"{"resource":"a"}"#) == "empty ID is not allowed")
        #expect(self.json(method, "null") == "empty ID is not allowed")
        #expect(self.call(method, ByteBuffer()).result.text == "empty ID is not allowed")
    }

    @Test func anArgumentThatCannotBeReadIsAnError() {
        #expect(self.json("Lock", "{") == "the JSON is malformed at byte 1")
        #expect(self.json("Lock", "[]") == "json: cannot use array: an object is needed")
        #expect(
            self.json("Lock", #"{"ttl":1.5}"#)
                == "json: cannot use number 1.5 for ttl: a whole number of 64 bits is needed"
        )
        #expect(self.json("Lock", #"{"id":1}"#) == "json: cannot use number 1 for id: a string is needed")
        #expect(
            self.call("Lock", ByteBuffer(bytes: [0x0A, 0x05])).result.text
                == "proto: cannot parse invalid wire-format data")
        #expect(
            self.call("Lock", ByteBuffer(bytes: [0x0A, 0x01, 0xFF])).result.text
                == "proto: a string field contains invalid UTF-8")
        #expect(self.call("Lock", ByteBuffer(string: "x"), .raw).result.text == "unknown Raw payload type")
    }

    @Test func whoWaitsIsAnsweredWhenTheLockIsReleased() {
        _ = self.call("Lock", self.message("1"))
        let (reply, result) = self.call("Lock", self.message("2", wait: 1_000_000))
        self.loop.advanceTime(by: .milliseconds(999))
        #expect(result.text == nil)
        #expect(self.call("Release", self.message("1")).result.text == "\u{8}\u{1}")
        #expect(result.text == "\u{8}\u{1}")
        withExtendedLifetime(reply) {}
    }

    @Test func oneTimerEndsWaitsAndLocks() {
        _ = self.call("Lock", self.message("1", ttl: 50_000))
        let late = self.call("Lock", self.message("2", wait: 60_000)).result
        let early = self.call("LockRead", self.message("3", wait: 1)).result
        self.loop.advanceTime(by: .microseconds(2))
        #expect(early.text == "")
        self.loop.advanceTime(by: .milliseconds(50))
        #expect(late.text == "\u{8}\u{1}")
        #expect(self.service.counts == LockCounts(held: 1, waiting: 0, expired: 1, timedOut: 1, refused: 0))
        // After a timer that found nothing to do, too.
        _ = self.call("Release", self.message("2"))
        _ = self.call("Lock", self.message("4", ttl: 4_000_000))
        let last = self.call("Lock", self.message("5", wait: 5_000_000)).result
        self.loop.advanceTime(by: .seconds(4))
        #expect(last.text == "\u{8}\u{1}")
    }

    @Test func aClosedConnectionWaitsNoMore() {
        _ = self.call("Lock", self.message("1"))
        let (reply, gone) = self.call("Lock", self.message("2", wait: 1_000_000))
        let next = self.call("Lock", self.message("3", wait: 1_000_000)).result
        reply?.abandon()
        _ = self.call("Release", self.message("1"))
        #expect(gone.text == nil)
        #expect(next.text == "\u{8}\u{1}")
        #expect(self.service.counts.waiting == 0)
    }

    @Test func theNumberOfLocksIsBounded() {
        let service = LockService(loop: self.loop, mostBytes: 300)
        guard case .deferred(let lock) = service.rpc.methods["Lock"] else { return }
        let results = Results()
        lock(RPCCall(codec: .proto, argument: self.message("1")), RPCReply { _ in })
        lock(RPCCall(codec: .proto, argument: self.message("2")), RPCReply { results.add($0) })
        #expect(results.text == "there are too many locks")
        #expect(service.counts.refused == 1)
    }

    /// Extreme numbers among them: nothing traps, and each call has one result or waits.
    @Test(arguments: [RPCCodec.proto, .json], 0..<4 as Range<UInt64>)
    func mutatedArgumentsFailOnlyTheirCall(codec: RPCCodec, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let methods = self.service.rpc.methods.keys.sorted()
        let numbers: [Int64] = [.min, -1, 0, 1, 1000, 4_000_000_000, .max]
        for _ in 0..<10_000 {
            let (ttl, wait) = (numbers[random.pick(0...6)], numbers[random.pick(0...6)])
            var bytes: [UInt8]
            if codec == .json {
                bytes = Array(#"{"resource":"r","id":"\#(random.pick(0...3))","ttl":\#(ttl),"wait":\#(wait)}"#.utf8)
            } else {
                bytes = Array(self.message("\(random.pick(0...3))", ttl: ttl, wait: wait).readableBytesView)
            }
            for _ in 0..<random.pick(0...4) {
                random.mutate(
                    &bytes, special: codec == .json ? Array(#"{}[]":,\-9eE.u"#.utf8) : [0, 8, 10, 18, 24, 32, 255])
            }
            let (reply, result) = self.call(methods[random.pick(0...5)], ByteBuffer(bytes: bytes), codec)
            if result.text == nil {
                reply?.abandon()
            }
            self.loop.advanceTime(by: .microseconds(Int64(random.pick(0...2000))))
        }
        #expect(self.service.counts.waiting == 0)
    }
}
