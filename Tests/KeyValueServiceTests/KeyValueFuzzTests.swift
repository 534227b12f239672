import KeyValue
import KeyValueService
import NIOCore
import RPC
import StorageTestSupport
import TestSupport
import Testing

/// Arguments that no client of good will sends: each gets a reply, and nothing traps.
@Suite struct KeyValueFuzzTests {
    private static let methods = ["Has", "Set", "MGet", "MExpire", "TTL", "Delete", "Clear", "Add", "Incr"]

    /// The shortest way of a call does what the long one does: a storage that is not one in memory always takes that.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func bothWaysAgree(seed: UInt64) {
        let (short, long) = (ServiceCaller(), ServiceCaller(isHidden: true))
        var random = SeededGenerator(seed: seed)
        for _ in 0..<4000 {
            let key = ["k", "l", " k", "", "\u{E9}"][random.pick(0...4)]
            let timeout = ["", "", "2025-11-25T11:00:01Z", "2025-11-25T11:00:00.005Z", "2025-11-25T10:00:00Z", "x"][
                random.pick(0...5)]
            let storage = random.chance(90) ? "users" : "USERS"
            var bytes = ServiceCaller.argument(storage, [(key, "value", timeout)])
            if random.chance(40) { random.mutate(&bytes, special: [0x0A, 0x12, 0x1A, 0, 1, 0x7F, 0x80, 0xFF]) }
            let method = ["Set", "MGet", "Has"][random.pick(0...2)]
            let argument = ByteBuffer(bytes: bytes)
            #expect(short.call(method, .proto, argument) == long.call(method, .proto, argument), "\(method) \(bytes)")
            let time = Int64(random.pick(0...3))
            short.clock.advance(by: time)
            long.clock.advance(by: time)
        }
        let (counts, others) = (short.service.counts[0], long.service.counts[0])
        #expect(
            counts.hits == others.hits && counts.misses == others.misses
                && counts.measures.items == others.measures.items)
        #expect(counts.methods.map { [$0.completed, $0.failed] } == others.methods.map { [$0.completed, $0.failed] })
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func mutatedProtobuf(seed: UInt64) {
        let caller = ServiceCaller(
            limits: MemoryLimits(items: 50, bytes: 20_000, eviction: seed % 2 == 0 ? .none : .leastRecentlyUsed))
        var random = SeededGenerator(seed: seed)
        let item = hexadecimal("0a016b 1208733a313a2276223b 1a19323032362d31312d32355431313a30303a30302b30303a3030")
        let request = hexadecimal("0a057573657273 122b") + item + hexadecimal("1208 0a016e 1203343131")
        for _ in 0..<8000 {
            var bytes = request
            // The storage's name mostly stays, for the call to get further.
            var tail = Array(bytes[7...])
            for _ in 0..<random.pick(1...4) {
                random.mutate(&tail, special: [0x0A, 0x12, 0x1A, 0, 1, 0x7F, 0xFF, 0x30])
            }
            bytes = bytes[..<7] + tail
            if random.chance(10) { random.mutate(&bytes, special: [0x0A, 0x80]) }
            let result = caller.call(Self.methods[random.pick(0...8)], .proto, ByteBuffer(bytes: bytes))
            #expect(result != .failure(RPCError("no reply")) && result != .failure(RPCError("the call was dropped")))
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func mutatedJSON(seed: UInt64) {
        let caller = ServiceCaller()
        var random = SeededGenerator(seed: seed)
        let head = Array(#"{"storage":"users","#.utf8)
        let request = Array(
            #""items":[{"key":"k","value":"NDE=","timeout":"2026-11-25T11:00:00Z"},{"key":"né\u0301"}]}"#.utf8)
        for _ in 0..<4000 {
            var tail = request
            for _ in 0..<random.pick(1...4) { random.mutate(&tail, special: Array(#"{}[]":,\0n-"#.utf8)) }
            let result = caller.call(Self.methods[random.pick(0...8)], .json, ByteBuffer(bytes: head + tail))
            #expect(result != .failure(RPCError("no reply")) && result != .failure(RPCError("the call was dropped")))
        }
    }
}
