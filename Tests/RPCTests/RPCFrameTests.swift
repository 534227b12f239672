import Foundation
import Goridge
import NIOCore
import RPC
import TestSupport
import Testing

@Suite struct RPCFrameTests {
    /// Requests, and what they are; the first ones were built byte for byte the same by PHP's client.
    static let requests: [(bytes: String, id: UInt32, codec: RPCCodec, name: String, argument: String)] = [
        (
            "15 80 18000000 69fd92c6 0000 01000000 06000000 6b762e536574 0a0173 120d 0a016b 1208733a313a2276223b", 1,
            .proto, "kv.Set", "0a0173 120d 0a016b 1208733a313a2276223b"
        ),
        (
            "15 80 33000000 56d5a1b1 0000 02000000 06000000 6b762e536574 0a0173 1228 0a016b 1208733a313a2276223b "
                + "1a19323032362d31312d32355431313a30303a30302b30303a3030", 2, .proto, "kv.Set",
            "0a0173 1228 0a016b 1208733a313a2276223b 1a19323032362d31312d32355431313a30303a30302b30303a3030"
        ),
        (
            "15 80 14000000 d142448c 0000 03000000 07000000 6b762e4d476574 0a0173 12030a016b 12030a0178", 3, .proto,
            "kv.MGet", "0a0173 12030a016b 12030a0178"
        ),
        (
            "15 08 2f000000 22c6f82a 0000 01000000 09000000 7463702e436c6f7365 "
                + "'\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"'", 1, .json, "tcp.Close",
            "'\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"'"
        ),
        (
            "15 80 19000000 0c9a2e7e 0000 01000000 09000000 6c6f636b2e4c6f636b 0a036a6f62 12026964 1880ade204 2000", 1,
            .proto, "lock.Lock", "0a036a6f62 12026964 1880ade204 2000"
        ),
    ]

    /// Replies: the bytes, the call's number, its codec, whether it failed, its method, and the rest.
    static let replies: [(String, UInt32, RPCCodec, Bool, String, String)] = [
        ("15 80 06000000 c5dd5476 0000 01000000 06000000 6b762e536574", 1, .proto, false, "kv.Set", ""),
        (
            "15 c0 21000000 0b124213 0000 01000000 06000000 6b762e536574 'rpc_set: no such storage: s'", 1, .proto,
            true,
            "kv.Set", "'rpc_set: no such storage: s'"
        ),
        (
            "15 80 16000000 5a8a4d26 0000 03000000 07000000 6b762e4d476574 0a0d 0a016b 1208733a313a2276223b", 3, .proto,
            false, "kv.MGet", "0a0d 0a016b 1208733a313a2276223b"
        ),
        (
            "15 08 0d000000 97a1c320 0000 01000000 09000000 7463702e436c6f7365 'true'", 1, .json, false, "tcp.Close",
            "'true'"
        ),
        (
            "15 80 0b000000 18053e84 0000 01000000 09000000 6c6f636b2e4c6f636b 0801", 1, .proto, false, "lock.Lock",
            "0801"
        ),
        (
            "15 48 23000000 d321dd38 0000 01000000 06000000 6b762e466f6f 'rpc: can' 27 't find method kv.Foo'", 1,
            .json, true,
            "kv.Foo", "'rpc: can' 27 't find method kv.Foo'"
        ),
    ]

    @Test func requestsAreReadInAnyPieces() throws {
        let stream = Self.requests.flatMap { WireCall.bytes($0.bytes) }
        for size in [1, 2, 7, 40, stream.count] {
            var decoder = RPCFrameDecoder(messageLimit: 1 << 20)
            var read: [RPCFrame] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                decoder.append(ByteBuffer(bytes: stream[start..<min(start + size, stream.count)]))
                while let request = try decoder.next() {
                    read.append(request)
                }
            }
            #expect(read.count == Self.requests.count)
            for (request, expected) in zip(read, Self.requests) {
                #expect(request.id == expected.id)
                #expect(request.codec == expected.codec)
                #expect(String(buffer: request.name) == expected.name)
                #expect(Array(request.body.readableBytesView) == WireCall.bytes(expected.argument))
            }
        }
    }

    @Test func requestsAreWrittenAsTheyAreRead() {
        for request in Self.requests {
            var buffer = ByteBuffer()
            buffer.writeRPCRequest(
                id: request.id,
                codec: request.codec,
                name: ByteBuffer(string: request.name),
                argument: ByteBuffer(bytes: WireCall.bytes(request.argument))
            )
            #expect(Array(buffer.readableBytesView) == WireCall.bytes(request.bytes))
        }
    }

    @Test func repliesHaveTheBytesThatClientsExpect() {
        for (bytes, id, codec, isError, name, rest) in Self.replies {
            var buffer = ByteBuffer()
            let body = WireCall.bytes(rest)
            buffer.writeRPCReplyHead(
                id: id,
                codec: codec,
                isError: isError,
                name: ByteBuffer(string: name),
                length: body.count
            )
            buffer.writeBytes(body)
            #expect(Array(buffer.readableBytesView) == WireCall.bytes(bytes))
        }
    }

    private func fault(_ bytes: ByteBuffer, limit: Int = 1 << 20) -> RPCFault? {
        var decoder = RPCFrameDecoder(messageLimit: limit)
        decoder.append(bytes)
        do {
            _ = try decoder.next()
            return nil
        } catch {
            // For ever.
            #expect(throws: error) { try decoder.next() }
            decoder.append(ByteBuffer(bytes: WireCall.bytes(Self.requests[0].bytes)))
            #expect(throws: error) { try decoder.next() }
            return error
        }
    }

    @Test func whatIsNoCallIsRefused() {
        var frame = ByteBuffer()
        frame.writeFrameHeader(FrameHeader(flags: .json, optionCount: 1, payloadLength: 4))
        frame.writeBytes([1, 0, 0, 0] + Array("true".utf8))
        #expect(self.fault(frame)?.reason == .optionCount(1))
        frame.clear()
        frame.writeFrameHeader(FrameHeader(flags: .json, optionCount: 2, payloadLength: 4))
        frame.writeBytes([1, 0, 0, 0, 5, 0, 0, 0] + Array("true".utf8))
        #expect(self.fault(frame)?.reason == .nameLength(5, payload: 4))
        #expect(self.fault(ByteBuffer(string: "GET / HTTP/1.1")) != nil)
        // Refused by its header: nothing is awaited, or reserved.
        frame.clear()
        frame.writeFrameHeader(FrameHeader(flags: .json, optionCount: 2, payloadLength: 1025))
        #expect(self.fault(frame, limit: 1024)?.reason == .frame(.payloadLength(1025, limit: 1024)))
    }

    @Test func ofSeveralCodecsTheFirstCounts() throws {
        let flags: [(FrameFlags, RPCCodec)] = [
            ([.json, .proto, .gob], .proto), ([.raw, .json], .json), ([.raw, .msgpack], .raw),
            ([.msgpack, .gob], .msgpack),
            ([], .gob),
        ]
        for (flags, codec) in flags {
            var frame = ByteBuffer()
            frame.writeFrameHeader(FrameHeader(flags: flags, optionCount: 2, payloadLength: 0))
            frame.writeInteger(UInt64(0))
            var decoder = RPCFrameDecoder(messageLimit: 10)
            decoder.append(frame)
            #expect(try decoder.next()?.codec == codec)
        }
    }

    /// Mutated frames: no trap, and nothing made up. `RR_FUZZ_RPC=40` makes them a million.
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func mutatedFrames(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let frames = Self.requests.map { WireCall.bytes($0.bytes) }
        let factor = ProcessInfo.processInfo.environment["RR_FUZZ_RPC"].flatMap { Int($0) } ?? 1
        for _ in 0..<6250 * factor {
            var bytes = frames[Int.random(in: 0..<frames.count, using: &random)]
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                // A right checksum, so that what is behind it is reached.
                let length = bytes[2..<6].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x3F
                var frame = ByteBuffer()
                frame.writeFrameHeader(
                    FrameHeader(flags: .init(rawValue: bytes[1] & 0xFD), optionCount: 2, payloadLength: length))
                bytes.replaceSubrange(0..<12, with: frame.readableBytesView)
            }
            var decoder = RPCFrameDecoder(messageLimit: 1 << 16)
            decoder.append(ByteBuffer(bytes: bytes))
            var count = 0
            while let request = try? decoder.next() {
                count += request.payload.readableBytes + 20
                #expect(request.name.readableBytes + request.body.readableBytes == request.payload.readableBytes)
            }
            #expect(count <= bytes.count)
        }
    }
}
