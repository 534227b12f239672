import Goridge
import NIOCore
import TestSupport
import Testing

@Suite struct FrameRoundTripTests {
    @Test(arguments: 0...10)
    func anyCountOfOptions(_ count: Int) throws {
        let options = (0..<UInt32(count)).map { UInt32.max - $0 }
        let frame = WireFrame(options: options, payload: Array("payload".utf8))
        #expect(frame.bytes.count == 12 + 4 * count + 7)
        var decoder = FrameDecoder()
        #expect(try decoder.feed(frame.bytes) == [frame.decoded])
        #expect(decoder.isEmpty)
    }

    @Test func allKnownFlagsAndStreamBits() throws {
        var decoder = FrameDecoder()
        for flags in UInt8.min...UInt8.max where flags & 0x02 == 0 {
            for stream in UInt8(0)...15 {
                let streamFlags = StreamFlags(rawValue: stream)
                let frame = WireFrame(flags: .init(rawValue: flags), streamFlags: streamFlags, payload: [stream])
                #expect(try decoder.feed(frame.bytes) == [frame.decoded])
            }
        }
        #expect(decoder.isEmpty)
    }

    @Test func anEmptyPayloadIsAFrame() throws {
        var decoder = FrameDecoder()
        #expect(try decoder.feed(WireFrame(options: [0]).bytes) == [WireFrame(options: [0]).decoded])
        #expect(decoder.isEmpty)
    }

    @Test func aStreamCutAtEveryPositionGivesTheSameFrames() throws {
        let frames = KnownFrame.allCases.map(\.frame)
        let stream = frames.flatMap(\.bytes)
        for cut in 0...stream.count {
            var decoder = FrameDecoder()
            var decoded = try decoder.feed(stream[..<cut])
            decoded += try decoder.feed(stream[cut...])
            #expect(decoded == frames.map(\.decoded), "cut at \(cut)")
            #expect(decoder.isEmpty)
        }
    }

    @Test func aStreamByteByByteGivesEachFrameWithItsLastByte() throws {
        let frames = KnownFrame.allCases.map(\.frame)
        var decoder = FrameDecoder()
        for frame in frames {
            for byte in frame.bytes.dropLast() {
                #expect(try decoder.feed([byte]).isEmpty)
                #expect(!decoder.isEmpty)
            }
            #expect(try decoder.feed(frame.bytes.suffix(1)) == [frame.decoded])
            #expect(decoder.isEmpty)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func randomFramesInRandomPieces(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let frames = (0..<Int.random(in: 1...12, using: &random)).map { _ in WireFrame.random(using: &random) }
            var rest = frames.flatMap(\.bytes)[...]
            var decoder = FrameDecoder()
            var decoded: [Frame] = []
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 0...80, using: &random))
                rest = rest.dropFirst(piece.count)
                decoded += try decoder.feed(piece)
            }
            #expect(decoded == frames.map(\.decoded), "seed \(seed)")
            #expect(decoder.isEmpty)
        }
    }

    @Test func aPayloadDoesNotChangeWhenMoreComes() throws {
        let frame = WireFrame(payload: Array(repeating: 7, count: 100))
        var decoder = FrameDecoder()
        let first = try decoder.feed(frame.bytes + frame.bytes.prefix(30))
        _ = try decoder.feed(frame.bytes.dropFirst(30) + Array(repeating: 0x13, count: 1))
        #expect(first == [frame.decoded])
    }

    @Test func undecodedIsWhatWaits() throws {
        var decoder = FrameDecoder()
        let bytes = WireFrame(options: [1], payload: [1, 2, 3]).bytes
        _ = try decoder.feed(bytes + bytes.prefix(17))
        #expect(decoder.undecoded == ByteBuffer(bytes: bytes.prefix(17)))
        #expect(!decoder.isEmpty)
    }
}
