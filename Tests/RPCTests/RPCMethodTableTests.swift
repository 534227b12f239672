import JSON
import NIOCore
import Testing

@testable import RPC

@Suite struct RPCMethodTableTests {
    private func request(_ name: String) -> RPCFrame {
        RPCFrame(id: 1, codec: .json, nameLength: name.utf8.count, payload: ByteBuffer(string: name + "true"))
    }

    private func find(_ name: String, in table: RPCMethodTable) -> Result<String, RPCError> {
        do throws(RPCError) {
            return .success(try table.find(self.request(name)).name)
        } catch {
            return .failure(error)
        }
    }

    @Test func everyMethodIsFoundByItsName() {
        let names = (0..<200).map { "Method\($0)" }
        let services = ["kv", "lock", "app"].map { service in
            RPCService(service, Dictionary(uniqueKeysWithValues: names.map { ($0, .immediate { $0.argument }) }))
        }
        let table = RPCMethodTable(services)
        for service in services {
            for name in names {
                #expect(self.find("\(service.name).\(name)", in: table) == .success("\(service.name).\(name)"))
            }
        }
        #expect(self.find("kv.Method200", in: table) == .failure(RPCError("rpc: can't find method kv.Method200")))
    }

    /// PHP code looks for these words.
    @Test func whatIsNotThereIsRefusedInTheWordsOfGo() {
        let table = RPCMethodTable([RPCService("kv", ["Set": .immediate { $0.argument }])])
        let errors = [
            "kv.Foo": "rpc: can't find method kv.Foo",
            "kv.set": "rpc: can't find method kv.set",
            "lock.Lock": "rpc: can't find service lock.Lock",
            "kv.Set.x": "rpc: can't find service kv.Set.x",
            "kvSet": "rpc: service/method request ill-formed: kvSet",
            "": "rpc: service/method request ill-formed: ",
        ]
        for (name, text) in errors {
            #expect(self.find(name, in: table) == .failure(RPCError(text)))
        }
        let long = String(repeating: "x", count: 100_000)
        guard case .failure(let error) = self.find(long, in: table) else {
            Issue.record("found")
            return
        }
        #expect(error.text.utf8.count < 400)
    }

    @Test func anArgumentIsJSONOrRefused() throws {
        func json(_ codec: RPCCodec, _ text: String) -> Result<JSONValue, RPCError> {
            do throws(RPCError) {
                return .success(try RPCCall(codec: codec, argument: ByteBuffer(string: text)).json())
            } catch {
                return .failure(error)
            }
        }
        #expect(json(.json, "[1]") == .success(.array([.integer(1)])))
        #expect(json(.json, "") == .success(.null))
        #expect(json(.json, "[") == .failure(RPCError("the JSON is malformed at byte 1")))
        #expect(json(.proto, "[") == .failure(RPCError("goridge_read_request_body: message type is not a proto")))
        #expect(json(.raw, "[") == .failure(RPCError("unknown Raw payload type")))
        #expect(json(.gob, "[") == .failure(RPCError("unknown codec")))
    }
}
