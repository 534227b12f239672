import Addresses
import NIOCore
import Testing

@testable import RedisClient

@Suite struct HashSlotTests {
    /// From the specification of Redis Cluster, and by `CLUSTER KEYSLOT`.
    @Test(arguments: [
        ("123456789", 0x31C3), ("foo", 12182), ("", 0), ("{user1000}.following", 3443), ("user1000", 3443),
        ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015), ("{bar", 4015), ("foo{bar}{zap}", 5061), ("bar", 5061),
    ])
    func slots(key: String, slot: Int) {
        #expect(HashSlot(of: ByteBuffer(string: key)).number == slot)
    }
}

@Suite struct SlotMapTests {
    private let asked = ListenAddress.tcp(host: "10.0.0.9", port: 7000)

    private func entry(_ first: Int64, _ last: Int64, _ host: RESPValue, _ port: Int64) -> RESPValue {
        let master = RESPValue.array([host, .integer(port), .bulk(ByteBuffer(string: "id")), .array([])])
        return .array([.integer(first), .integer(last), master, master])
    }

    @Test func everySlotHasItsMaster() throws {
        let reply = RESPValue.array([
            entry(8192, 16383, .bulk(ByteBuffer(string: "b")), 2), entry(0, 100, .text("a"), 1),
            entry(200, 300, .null, 3), entry(150, 150, .text("a"), 1),
        ])
        let map = try #require(SlotMap(reply, from: asked))
        let (a, b) = (ListenAddress.tcp(host: "a", port: 1), ListenAddress.tcp(host: "b", port: 2))
        let own = ListenAddress.tcp(host: "10.0.0.9", port: 3)
        let expected: [(Int, ListenAddress?)] = [
            (0, a), (100, a), (101, nil), (149, nil), (150, a), (151, nil), (200, own), (300, own), (8191, nil),
            (8192, b), (16383, b),
        ]
        for (number, master) in expected {
            #expect(map.master(of: try #require(HashSlot(number))) == master, "slot \(number)")
        }
        #expect(map.masters == [a, own, b])
    }

    @Test func aReplyThatMakesNoSenseIsRefused() {
        let host = RESPValue.text("a")
        let replies: [RESPValue] = [
            .null, .array([]), .error("ERR This instance has cluster support disabled"), .array([.integer(1)]),
            .array([entry(5, 4, host, 1)]), .array([entry(-1, 4, host, 1)]), .array([entry(0, 16384, host, 1)]),
            .array([entry(0, 5, host, 0)]), .array([entry(0, 5, host, 1), entry(5, 6, host, 2)]),
            .array([.array([.integer(0), .integer(1), .array([])])]),
        ]
        for reply in replies {
            #expect(SlotMap(reply, from: asked) == nil, "\(reply)")
        }
    }

    @Test(arguments: [
        ("MOVED 3999 127.0.0.1:6381", ReplyError.moved(to: .tcp(host: "127.0.0.1", port: 6381))),
        ("MOVED 3999 :6381", .moved(to: .tcp(host: "10.0.0.9", port: 6381))),
        ("MOVED 3999 ?:6381", .moved(to: .tcp(host: "10.0.0.9", port: 6381))),
        ("ASK 3999 ::1:6381", .ask(.tcp(host: "::1", port: 6381))), ("MOVED", .other), ("MOVED 1", .other),
        ("MOVED 1 a:0", .other), ("MOVED 1 a:x", .other), ("", .other), ("LOADING Redis is loading", .busy),
        ("TRYAGAIN Multiple keys", .busy), ("CLUSTERDOWN The cluster is down", .busy), ("MASTERDOWN Link", .busy),
        ("READONLY You can't write", .readOnly), ("ERR MOVED 1 a:1", .other),
    ])
    func errors(text: String, meaning: ReplyError) {
        #expect(ReplyError(text, from: asked) == meaning)
    }
}
