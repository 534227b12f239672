import JSON
import KeyValue
import KeyValueService
import NIOCore
import RPC
import StorageTestSupport
import Testing

@Suite struct KeyValueServiceTests {
    /// The calls of RPC clients as bytes: set `k` to a serialized text, and get it with an absent key.
    @Test func theFramesOfPHPsClient() {
        let caller = ServiceCaller("s")
        let set = ByteBuffer(bytes: hexadecimal("0a0173 120d 0a016b 1208733a313a2276223b"))
        #expect(caller.call("Set", .proto, set) == .success([]))
        let get = ByteBuffer(bytes: hexadecimal("0a0173 12030a016b 12030a0178"))
        #expect(caller.call("MGet", .proto, get) == .success(hexadecimal("0a0d 0a016b 1208733a313a2276223b")))
    }

    @Test func everyMethodInProtobuf() throws {
        let caller = ServiceCaller()
        let timeout = "2025-11-25T11:05:00+00:00"
        #expect(caller.proto("Set", [("a", "1", ""), ("b", "", timeout)]) == .success([]))
        #expect(
            caller.proto("Has", [("a", "", ""), ("x", "", ""), ("b", "", "")])
                == .success(hexadecimal("0a030a0161 0a030a0162")))
        // An empty value is left out, as protobuf wants it; the item is there.
        #expect(caller.proto("MGet", [("b", "", ""), ("x", "", "")]) == .success(hexadecimal("0a030a0162")))
        let time = timeout.utf8.map { String($0, radix: 16) }.joined()
        #expect(
            caller.proto("TTL", [("a", "", ""), ("x", "", ""), ("b", "", "")])
                == .success(hexadecimal("0a030a0161 0a1e 0a0162 1a19 \(time)")))
        #expect(caller.proto("MExpire", [("a", "", "2025-11-25T11:00:00.001Z")]) == .success([]))
        caller.clock.advance(by: 1)
        #expect(caller.proto("Has", [("a", "", "")]) == .success([]))
        #expect(caller.proto("Add", [("b", "2", ""), ("c", "2", "")]) == .success(hexadecimal("0a030a0163")))
        #expect(
            caller.proto("Incr", [("c", "40", ""), ("n", "", "")])
                == .success(hexadecimal("0a07 0a0163 12023432 0a06 0a016e 120131")))
        #expect(caller.proto("Delete", [("c", "", ""), ("x", "", "")]) == .success([]))
        #expect(caller.proto("Has", [("c", "", ""), ("n", "", "")]) == .success(hexadecimal("0a030a016e")))
        #expect(caller.proto("Clear", []) == .success([]))
        #expect(caller.storage.measures.items == 0)
    }

    @Test func everyMethodInJSON() {
        let caller = ServiceCaller()
        #expect(
            caller.json(
                "Set",
                #"{"storage":"users","items":[{"key":"é","value":"dg==","timeout":"2025-11-25T12:00:00+01:00"},{"KEY":"b"}]}"#
            ) == "{}")
        #expect(
            caller.json("Has", #"{"Storage":"USERS","Items":[{"key":"b"},{"key":"x"}]}"#) == #"{"items":[{"key":"b"}]}"#
        )
        // The time has passed: 11:00 UTC is now.
        #expect(caller.json("MGet", #"{"storage":"users","items":[{"key":"é"}]}"#) == "{}")
        #expect(
            caller.json(
                "Incr", #"{"storage":"users","items":[{"key":"n","value":"LTU=","timeout":"2025-11-25T11:00:01Z"}]}"#)
                == #"{"items":[{"key":"n","value":"LTU="}]}"#)
        #expect(
            caller.json("TTL", #"{"storage":"users","items":[{"key":"n"},{"key":"b"}]}"#)
                == #"{"items":[{"key":"n","timeout":"2025-11-25T11:00:01+00:00"},{"key":"b"}]}"#)
        #expect(
            caller.json("Add", #"{"storage":"users","items":[{"key":"n"},{"key":"m","value":null}]}"#)
                == #"{"items":[{"key":"m"}]}"#)
        #expect(caller.json("MGet", #"{"storage":"users","items":null}"#) == "{}")
        #expect(caller.json("MGet", "null") == "rpc_mget: no storage provided")
        #expect(caller.json("MGet", "") == "rpc_mget: no storage provided")
    }

    @Test(arguments: [
        ("{", "the JSON is malformed at byte 1"),
        ("[]", "json: cannot unmarshal array into Go value of type kvv1.Request"),
        (#"{"storage":1}"#, "json: cannot unmarshal number into Go struct field Request.storage of type string"),
        (#"{"items":{}}"#, "json: cannot unmarshal object into Go struct field Request.items of type []*kvv1.Item"),
        (#"{"items":[1]}"#, "json: cannot unmarshal number into Go struct field Request.items of type kvv1.Item"),
        (#"{"items":[{"key":true}]}"#, "json: cannot unmarshal bool into Go struct field Item.key of type string"),
        (#"{"items":[{"value":[1]}]}"#, "json: cannot unmarshal array into Go struct field Item.value of type []uint8"),
        (#"{"items":[{"value":"*"}]}"#, "illegal base64 data in the value of an item"),
    ])
    func malformedJSON(argument: String, error: String) {
        #expect(ServiceCaller().json("Set", argument) == error)
    }

    @Test func theStorageIsNamed() {
        let caller = ServiceCaller("Nutzer-Ä")
        #expect(caller.text("Has", storage: "nutzer-ä", key: "k") == "a result")
        #expect(caller.text("Has", storage: "NUTZER-Ä", key: "k") == "a result")
        for (method, operation) in [
            ("Has", "rpc_has"), ("MGet", "rpc_mget"), ("MExpire", "rpc_mexpire"), ("TTL", "rpc_ttl"),
            ("Delete", "rcp_delete"), ("Clear", "rcp_delete"), ("Add", "rpc_add"), ("Incr", "rpc_incr"),
        ] {
            #expect(caller.text(method, storage: "", key: "k") == "\(operation): no storage provided")
            #expect(caller.text(method, storage: "x", key: "k") == "\(operation): no such storage: x")
        }
        #expect(caller.text("Set", storage: "", key: "k") == "rpc_set: no such storage: ")
        #expect(caller.text("Set", storage: "s", key: "k") == "rpc_set: no such storage: s")
    }

    @Test(arguments: ["", " ", "\t\n", "\u{A0}\u{3000}"])
    func blankKeys(key: String) {
        let caller = ServiceCaller()
        let error = "key can't be empty string:\n\t"
        #expect(caller.text("Has", key: key) == "rpc_has: \(error)in_memory_plugin_has")
        #expect(caller.text("MGet", key: key) == "rpc_mget: \(error)in_memory_plugin_mget")
        #expect(caller.text("Delete", key: key) == "rcp_delete: \(error)in_memory_plugin_delete")
        // PHP takes `_plugin_ttl` for "not supported".
        #expect(caller.text("TTL", key: key) == "rpc_ttl: \(error)in_memory_driver_ttl")
        #expect(caller.text("Set", key: key) == "a result")
        #expect(
            caller.text("MExpire", key: key, timeout: "2026-11-25T11:00:00Z")
                == "rpc_mexpire:\n\tin_memory_plugin_mexpire: timeout for MExpire is empty or key is empty")
    }

    @Test func otherErrors() {
        let caller = ServiceCaller(limits: MemoryLimits(items: 1))
        #expect(
            caller.text("MExpire", key: "k")
                == "rpc_mexpire:\n\tin_memory_plugin_mexpire: timeout for MExpire is empty or key is empty")
        #expect(
            caller.text("Set", key: "k", timeout: "x")
                == #"rpc_set: parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#)
        #expect(
            caller.proto("Incr", [("k", "1.5", "")])
                == .failure(RPCError("rpc_incr: the value, which is what to add, is not a decimal integer of 64 bits")))
        #expect(caller.proto("Set", [("k", "v", "")]) == .success([]))
        #expect(
            caller.proto("Incr", [("k", "1", "")])
                == .failure(RPCError("rpc_incr:\n\tin_memory_plugin_incr: value is not an integer or out of range")))
        #expect(
            caller.proto("Set", [("l", "v", "")])
                == .failure(RPCError("rpc_set:\n\tin_memory_plugin_set: the storage is full, max_items allows 1")))
        #expect(caller.call("Has", .raw, ByteBuffer()) == .failure(.rawPayload))
        #expect(caller.call("Has", .gob, ByteBuffer()) == .failure(.unknownCodec))
        #expect(
            caller.call("Has", .proto, ByteBuffer(bytes: [0x0A, 0x02, 0xC3, 0x28]))
                == .failure(RPCError("proto: a string field contains invalid UTF-8")))
        #expect(
            caller.call("Has", .proto, ByteBuffer(bytes: [0x0A, 0x05, 0x61]))
                == .failure(RPCError("proto: cannot parse invalid wire-format data")))
    }

    @Test func aCallIsAllOrNothing() {
        let caller = ServiceCaller()
        #expect(caller.proto("Set", [("a", "1", ""), ("b", "1", ""), ("c", "1", "soon")]) != .success([]))
        #expect(caller.storage.measures.items == 0)
    }

    @Test func keysAreBytes() {
        let caller = ServiceCaller()
        // The same character, composed and decomposed: two keys.
        #expect(caller.proto("Set", [("\u{E9}", "1", ""), ("e\u{301}", "2", "")]) == .success([]))
        #expect(caller.proto("MGet", [("\u{E9}", "", "")]) == .success(hexadecimal("0a07 0a02c3a9 120131")))
        #expect(caller.storage.measures.items == 2)
    }

    @Test func aResultIsBounded() {
        let caller = ServiceCaller()
        #expect(caller.proto("Set", [("k", String(repeating: "x", count: 4 << 20), "")]) == .success([]))
        let keys = (0..<65).map { _ in (key: "k", value: "", timeout: "") }
        #expect(
            caller.proto("MGet", keys)
                == .failure(
                    RPCError(
                        "rpc_mget:\n\tin_memory_plugin_mget: the values have more than 268435456 bytes together, ask for fewer keys"
                    )))
        var many = ByteBuffer(bytes: hexadecimal("0a057573657273"))
        // An item without fields, as a number.
        for _ in 0...1_000_000 { many.writeInteger(0x1200 as UInt16) }
        #expect(caller.call("Set", .proto, many) == .failure(RPCError("a call has more than 1000000 items")))
    }

    @Test func callsAreCounted() {
        let caller = ServiceCaller()
        _ = caller.proto("Set", [("a", "1", "")])
        _ = caller.proto("MGet", [("a", "", ""), ("b", "", ""), ("c", "", "")])
        _ = caller.text("MGet", key: "")
        let counts = caller.service.counts[0]
        #expect(counts.storage == "users" && counts.hits == 1 && counts.misses == 2 && counts.measures.items == 1)
        let get = counts.methods.first { $0.name == "MGet" }
        #expect(get?.completed == 1 && get?.failed == 1)
    }
}
