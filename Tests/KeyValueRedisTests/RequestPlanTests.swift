import KeyValue
import NIOCore
import RedisClient
import Testing

@testable import KeyValueRedis

@Suite struct RequestPlanTests {
    private func bytes(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    private func words(_ request: StorageRequest, isCluster: Bool = false) -> [[String]] {
        RequestPlan(request, isCluster: isCluster).commands.map { command in
            command.arguments.map { argument in
                switch argument {
                case .text(let text): text.contains("\n") ? "script" : text
                case .bytes(let bytes): String(buffer: bytes)
                }
            }
        }
    }

    private func item(_ key: String, _ value: String, _ expiry: Int64? = nil) -> StorageItem {
        StorageItem(key: self.bytes(key), value: self.bytes(value), expiry: expiry)
    }

    @Test func oneItemHasACommandOfItsOwn() {
        let key = self.bytes("k")
        let cases: [(StorageRequest, [String])] = [
            (.has([key]), ["EXISTS", "k"]), (.get([key]), ["MGET", "k"]), (.timeToLive([key]), ["PEXPIRETIME", "k"]),
            (.set([self.item("k", "v")]), ["SET", "k", "v"]),
            (.set([self.item("k", "v", 5000)]), ["SET", "k", "v", "PXAT", "5000"]),
            // Redis refuses a time before its first millisecond.
            (.set([self.item("k", "v", -7)]), ["SET", "k", "v", "PXAT", "1"]),
            (.add([self.item("k", "v", 5000)]), ["SET", "k", "v", "NX", "PXAT", "5000"]),
            (.increment([StorageIncrement(key: key, by: -3)]), ["INCRBY", "k", "-3"]),
            (.increment([StorageIncrement(key: key, by: 3, expiry: 9)]), ["EVAL", "script", "1", "k", "3", "9"]),
            (.expire([StorageExpiry(key: key, at: 9)]), ["PEXPIREAT", "k", "9"]), (.delete([key]), ["DEL", "k"]),
            (.clear, ["FLUSHDB", "ASYNC"]),
        ]
        for (request, words) in cases {
            #expect(self.words(request) == [words])
            #expect(self.words(request, isCluster: true) == [words])
        }
    }

    @Test func severalItemsAreOneCommand() {
        let keys = [self.bytes("a"), self.bytes("b")]
        #expect(self.words(.has(keys)) == [["EVAL", "script", "2", "a", "b", "EXISTS"]])
        #expect(self.words(.get(keys)) == [["MGET", "a", "b"]])
        #expect(self.words(.delete(keys)) == [["DEL", "a", "b"]])
        #expect(self.words(.set([self.item("a", "1"), self.item("b", "2")])) == [["MSET", "a", "1", "b", "2"]])
        #expect(
            self.words(.set([self.item("a", "1"), self.item("b", "2", 9)]))
                == [["EVAL", "script", "2", "a", "b", "1", "", "2", "9"]])
    }

    @Test func noItemsNeedNoCommand() throws {
        for isCluster in [false, true] {
            let requests: [StorageRequest] = [
                .has([]), .get([]), .timeToLive([]), .set([]), .add([]), .increment([]), .expire([]), .delete([]),
            ]
            for request in requests {
                let plan = RequestPlan(request, isCluster: isCluster)
                #expect(plan.commands.isEmpty)
                _ = try plan.answer([])
            }
        }
    }

    /// `{a}…` and `b` are in different slots.
    @Test func inAClusterEachSlotHasItsCommandAndAnswersKeepTheirPlaces() throws {
        let keys = ["{a}1", "b", "{a}2", "b"].map(self.bytes)
        let plan = RequestPlan(.get(keys), isCluster: true)
        #expect(self.words(.get(keys), isCluster: true) == [["MGET", "{a}1", "{a}2"], ["MGET", "b", "b"]])
        #expect(plan.commands.map(\.slot) == [HashSlot(of: keys[0]), HashSlot(of: keys[1])])
        let value = RESPValue.bulk(self.bytes("v"))
        guard
            case .values(let values) = try plan.answer([
                .success(.array([.null, value])), .success(.array([value, .null])),
            ])
        else {
            Issue.record("no values")
            return
        }
        #expect(values.map { $0 != nil } == [false, true, true, false])
    }

    @Test func whatMustNotRunTwiceIsMarked() {
        let item = self.item("k", "v")
        #expect(RequestPlan(.set([item]), isCluster: false).commands[0].isRepeatable)
        #expect(!RequestPlan(.add([item]), isCluster: true).commands[0].isRepeatable)
        let increment = StorageIncrement(key: item.key, by: 1)
        #expect(!RequestPlan(.increment([increment]), isCluster: false).commands[0].isRepeatable)
    }

    @Test func errors() {
        let plan = RequestPlan(.get([self.bytes("k")]), isCluster: false)
        func text(_ kind: RedisError.Kind, _ text: String) -> String? {
            do throws(StorageError) {
                _ = try plan.answer([.failure(RedisError(kind, text))])
                return nil
            } catch {
                return error.text
            }
        }
        #expect(text(.network, "EOF") == "EOF")
        #expect(text(.closed, "x") == StorageError.closed.text)
        #expect(text(.reply, "ERR value is not an integer or out of range script: x") == StorageError.notAnInteger.text)
        #expect(text(.reply, "ERR increment or decrement would overflow") == StorageError.integerOverflow.text)
        #expect(
            text(.reply, "ERR unknown command 'MGET', with args beginning with: 'no such storage' ")
                == "ERR unknown command 'MGET'")
    }

    @Test func aReplyThatMakesNoSenseFailsTheRequest() {
        let plan = RequestPlan(.timeToLive([self.bytes("a"), self.bytes("b")]), isCluster: false)
        for reply in [RESPValue.null, .array([]), .array([.integer(-2)]), .array([.text("a"), .text("b")])] {
            #expect(throws: StorageError.self) { try plan.answer([.success(reply)]) }
        }
    }
}
