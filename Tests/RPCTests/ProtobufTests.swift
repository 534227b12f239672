import NIOCore
import RPC
import TestSupport
import Testing

@Suite struct ProtobufTests {
    /// The fields of a message by number, as text.
    private func fields(_ bytes: [UInt8]) throws -> [String] {
        var reader = ProtobufReader(ByteBuffer(bytes: bytes))
        var fields: [String] = []
        while let tag = try reader.nextTag() {
            switch tag.type {
            case .varint: fields.append("\(tag.number)=\(try reader.varint())")
            case .bytes: fields.append("\(tag.number)='\(try reader.text())'")
            default:
                try reader.skip(tag)
                fields.append("\(tag.number) skipped")
            }
        }
        return fields
    }

    @Test func everyFormOfAFieldIsReadOrSkipped() throws {
        let message: [UInt8] = [
            0x0A, 3, 0x6A, 0x6F, 0x62,  // 1: "job"
            0x18, 0x80, 0xAD, 0xE2, 0x04,  // 3: 10,000,000
            0x25, 1, 2, 3, 4, 0x29, 1, 2, 3, 4, 5, 6, 7, 8,  // 4 and 5: fixed
            0x33, 0x0A, 1, 0x61, 0x3B, 0x3C, 0x34,  // 6: a group with a field and a group
            0x40, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,  // 8: -1
        ]
        #expect(
            try self.fields(message) == [
                "1='job'", "3=10000000", "4 skipped", "5 skipped", "6 skipped", "8=18446744073709551615",
            ]
        )
    }

    @Test(arguments: [
        [0x0A], [0x0A, 2, 0x61], [0x00, 1], [0x08], [0x08, 0x80], [0x0F], [0x34], [0x33], [0x33, 0x3C], [0x25, 1],
        [0x29],
        [0x08] + [UInt8](repeating: 0xFF, count: 9) + [2], [0x08] + [UInt8](repeating: 0x80, count: 10),
        [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        [UInt8](repeating: 0x33, count: 100_000), [0x82, 0x80, 0x80, 0x80, 0x10, 0],
    ])
    func aMalformedMessageIsRefused(_ bytes: [UInt8]) {
        #expect(throws: ProtobufError.malformed) { try self.fields(bytes) }
    }

    @Test func textIsUTF8() throws {
        #expect(throws: ProtobufError.textIsNotUTF8) { try self.fields([0x0A, 1, 0xFF]) }
        for text in ["", "plain", "é", "plain 😀"] {
            var message = ByteBuffer()
            message.writeProtobufMessageHeader(length: text.utf8.count, field: 1)
            message.writeString(text)
            var reader = ProtobufReader(message)
            _ = try reader.nextTag()
            #expect(try reader.utf8() == ByteBuffer(string: text))
        }
        var reader = ProtobufReader(ByteBuffer(bytes: [0x0A, 2, 0x61, 0xC3]))
        _ = try reader.nextTag()
        #expect(throws: ProtobufError.textIsNotUTF8) { try reader.utf8() }
    }

    @Test func emptyFieldsAreLeftOutAndLengthsAreRight() {
        var message = ByteBuffer()
        message.writeProtobuf(0, field: 1)
        message.writeProtobuf("", field: 2)
        message.writeProtobuf(ByteBuffer(), field: 3)
        #expect(message.readableBytes == 0)
        for count in [1, 127, 128, 300, 20_000] {
            for field: UInt32 in [1, 15, 16, 3000] {
                var message = ByteBuffer()
                message.writeProtobuf(ByteBuffer(repeating: 7, count: count), field: field)
                #expect(message.readableBytes == ByteBuffer.protobufLength(ofBytes: count, field: field))
            }
        }
        #expect(ByteBuffer.varintLength(0) == 1)
        #expect(ByteBuffer.varintLength(.max) == 10)
        var number = ByteBuffer()
        number.writeProtobuf(10_000_000, field: 3)
        #expect(number == ByteBuffer(bytes: [0x18, 0x80, 0xAD, 0xE2, 0x04]))
    }

    @Test func mutatedMessagesNeverTrap() {
        var random = SeededGenerator(seed: 3)
        let message: [UInt8] =
            [0x0A, 1, 0x73, 0x12, 13, 0x0A, 1, 0x6B, 0x12, 8] + Array("s:1:\"v\";".utf8) + [0x20, 0]
        for _ in 0..<20_000 {
            var bytes = message
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = try? self.fields(bytes)
        }
    }
}
