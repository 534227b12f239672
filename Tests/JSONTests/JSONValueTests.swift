import JSON
import TestSupport
import Testing

@Suite struct JSONValueTests {
    private func parse(_ text: String) -> JSONValue? {
        try? JSONValue(parsing: text.utf8)
    }

    @Test func aWholeValueIsRead() {
        let text = " {\"a\" : [ 1 , -2.5e3,true , false,null,\"\\\"\\u00e9\\ud83d\\ude00\"], \"b\":{ } } "
        #expect(
            self.parse(text)
                == .object([
                    JSONMember(
                        "a",
                        .array([
                            .integer(1), self.parse("-2.5e3") ?? .null, .bool(true), .bool(false), .null,
                            .string("\"é😀"),
                        ])
                    ),
                    JSONMember("b", .object([])),
                ])
        )
    }

    @Test func numbersAreReadAsTheCallerWantsThem() {
        #expect(self.parse("1")?.double == 1)
        #expect(self.parse("1")?.integer() == 1)
        #expect(self.parse("1.0")?.integer() as Int? == nil)
        #expect(self.parse("1.5")?.double == 1.5)
        #expect(self.parse("1e999")?.double == nil)
        #expect(self.parse("9223372036854775807")?.integer(Int64.self) == .max)
        #expect(self.parse("9223372036854775808")?.integer(Int64.self) == nil)
        #expect(self.parse("256")?.integer(UInt8.self) == nil)
        #expect(self.parse("\"1\"")?.double == nil)
        #expect(JSONNumber(.nan) == nil)
    }

    @Test func namesAreFoundInAnyCaseWhenAskedSo() {
        let object = self.parse("{\"Name\":1,\"NAME\":2,\"name_\":3}")
        #expect(object?["Name"] == .integer(1))
        #expect(object?["name"] == nil)
        #expect(object?[inAnyCase: "name"] == .integer(2))
        #expect(object?[inAnyCase: "nam"] == nil)
        #expect(self.parse("[]")?[inAnyCase: "name"] == nil)
    }

    @Test func whatIsWrittenIsReadAgain() {
        let value = JSONValue.object([
            JSONMember("a\n", .array([.integer(-1), .null, .bool(true), .base64([0, 255, 16])])),
            JSONMember("d", JSONNumber(0.42).map { .number($0) } ?? .null),
        ])
        #expect(value.text == "{\"a\\n\":[-1,null,true,\"AP8Q\"],\"d\":0.42}")
        #expect(self.parse(value.text) == value)
        #expect(value["a\n"]?.elements?.last?.base64 == [0, 255, 16])
    }

    @Test(arguments: [
        "", " ", "nul", "truex", "[1,]", "[1 2]", "{\"a\"}", "{a:1}", "01", "1.", ".5", "-", "1e", "+1", "\"",
        "\"\\x\"",
        "\"\\ud83d\"", "\"\\u12\"", "1 1", "\u{FEFF}1",
    ])
    func junkIsRefused(_ text: String) {
        #expect(throws: JSONValue.Malformed.self) { try JSONValue(parsing: text.utf8) }
    }

    @Test func nestingIsBounded() {
        let deep =
            String(repeating: "[", count: JSONValue.depthLimit) + String(repeating: "]", count: JSONValue.depthLimit)
        #expect(self.parse(deep) != nil)
        #expect(self.parse("[" + deep + "]") == nil)
        #expect(self.parse(String(repeating: "[", count: 1_000_000)) == nil)
    }

    @Test func mutatedTextNeverTraps() {
        var random = SeededGenerator(seed: 7)
        let text = Array("{\"name\":\"mails\",\"value\":-1.5e3,\"labels\":[\"\\u00e9\\n\",true,null,{}]}".utf8)
        for _ in 0..<20_000 {
            var bytes = text
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            let cut = bytes.prefix(Int.random(in: 0...bytes.count, using: &random))
            if let value = try? JSONValue(parsing: cut) {
                #expect((try? JSONValue(parsing: value.text.utf8)) == value)
            }
        }
    }
}
