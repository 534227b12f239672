import NIOCore
import TestSupport
import Testing

@testable import Goridge

/// Arbitrary bytes must never cause a trap, a loop, or more memory than the bytes received and one reservation.
@Suite struct FrameFuzzTests {
    /// Feeds a stream in random pieces and returns the frames decoded before it ended or was rejected.
    private func decode(
        _ stream: [UInt8],
        using random: inout SeededGenerator,
        seed: UInt64
    ) -> (frames: [Frame], error: FrameError?) {
        var decoder = FrameDecoder(payloadLimit: 1 << 24)
        var frames: [Frame] = []
        var rest = stream[...]
        var fed = 0
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...97, using: &random))
            rest = rest.dropFirst(piece.count)
            fed += piece.count
            decoder.append(ByteBuffer(bytes: piece))
            do {
                while let frame = try decoder.next() {
                    frames.append(frame)
                    #expect(frames.count <= fed / 12, "seed \(seed): more frames than bytes allow")
                }
            } catch {
                #expect(error.bytes.readableBytes <= fed)
                #expect(throws: error) { try decoder.next() }
                return (frames, error)
            }
            #expect(decoder.undecoded.readableBytes <= fed)
            #expect(decoder.undecoded.storageCapacity <= 2 * (fed + FrameDecoder.reservation))
        }
        let decoded = frames.reduce(0) { $0 + 12 + 4 * $1.optionCount + $1.payload.readableBytes }
        #expect(decoded + decoder.undecoded.readableBytes == fed, "seed \(seed): bytes were lost or made up")
        return (frames, nil)
    }

    @Test(arguments: [UInt64(11), 12, 13])
    func randomBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<3000 {
            var stream = random.bytes(Int.random(in: 1...300, using: &random))
            if Bool.random(using: &random) {
                // Past the first byte.
                stream[0] = .random(in: 0x13...0x1D, using: &random)
            }
            _ = self.decode(stream, using: &random, seed: seed)
        }
    }

    @Test(arguments: [UInt64(21), 22, 23])
    func mutatedStreams(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let frames = (0..<8).map { _ in WireFrame.random(using: &random) }
            var stream = frames.flatMap(\.bytes)
            var firstChange = stream.count
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: 0..<stream.count, using: &random)
                firstChange = min(firstChange, position)
                switch Int.random(in: 0...2, using: &random) {
                case 0: stream[position] ^= UInt8.random(in: 1...255, using: &random)
                case 1: stream.remove(at: position)
                default: stream.insert(.random(in: 0...255, using: &random), at: position)
                }
            }
            let decoded = self.decode(stream, using: &random, seed: seed)
            // Frames that are complete before the first change are not affected by it.
            var end = 0
            let untouched = frames.prefix { frame in
                end += frame.bytes.count
                return end <= firstChange
            }
            #expect(decoded.frames.starts(with: untouched.map(\.decoded)), "seed \(seed)")
        }
    }

    /// Whole headers with a right checksum and anything else in them.
    @Test(arguments: [UInt64(31), 32])
    func checksummedHeaders(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<3000 {
            let version = UInt8.random(in: 0x10...0x1F, using: &random)
            let flags = UInt8.random(in: 0...255, using: &random)
            let length = UInt32.random(in: 0...(.max), using: &random) >> UInt32.random(in: 0...31, using: &random)
            let crc = CRC32.checksum(version: version, flags: flags, payloadLength: length)
            var buffer = ByteBuffer()
            buffer.writeInteger(version)
            buffer.writeInteger(flags)
            buffer.writeInteger(length, endianness: .little)
            buffer.writeInteger(crc, endianness: .little)
            buffer.writeBytes(random.bytes(Int.random(in: 0...60, using: &random)))
            _ = self.decode(Array(buffer.readableBytesView), using: &random, seed: seed)
        }
    }
}
