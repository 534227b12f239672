import NIOCore
import RPC
import Testing

@Suite struct JSONArgumentTests {
    private func argument(_ text: String) throws -> JSONArgument {
        try JSONArgument(RPCCall(codec: .json, argument: ByteBuffer(string: text)))
    }

    private func failure(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RPCError)?.text ?? "\(error)"
        }
    }

    @Test func namesMatchInAnyCase() throws {
        let argument = try self.argument(
            #"{"NAME":"a","value":2,"labels":["x",null],"c":{"d":1.5,"d2":null},"more":[{}]}"#)
        #expect(try argument.member("name").text == "a")
        #expect(try argument.member("Value").number == 2)
        #expect(try argument.member("value").integer == 2)
        #expect(try argument.member("labels").elements.map { try $0.text } == ["x", ""])
        #expect(try argument.member("c").members.map { ($0.name, try $0.value.number) }.map(\.1) == [1.5, 0])
    }

    @Test(arguments: ["", "null", "{}"])
    func whatIsAbsentIsZero(text: String) throws {
        let argument = try self.argument(text).member("x")
        #expect(argument.isNull)
        #expect(try argument.text == "" && argument.integer == 0 && argument.number == 0)
        #expect(try argument.elements.isEmpty && argument.members.isEmpty)
        #expect(try argument.member("y").isNull)
    }

    @Test func mismatchesNameTheMember() throws {
        let argument = try self.argument(#"{"a":true,"b":[1],"c":1e400}"#)
        #expect(
            self.failure { _ = try argument.member("a").integer }
                == "json: cannot use bool for a: a whole number of 64 bits is needed")
        #expect(
            self.failure { _ = try argument.member("b").text } == "json: cannot use array for b: a string is needed")
        #expect(
            self.failure { _ = try argument.member("b").elements[0].text }
                == "json: cannot use number 1 for b: a string is needed")
        #expect(
            self.failure { _ = try argument.member("c").number }
                == "json: cannot use number 1e400 for c: a finite number is needed")
        #expect(self.failure { _ = try argument.members[0].value.members } != nil)
        #expect(self.failure { _ = try self.argument("x") } == "the JSON is malformed at byte 0")
    }
}
