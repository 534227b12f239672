import Goridge
import NIOCore
import TestSupport

/// A frame as it goes over the wire, with all of its options.
struct WireFrame {
    var flags: FrameFlags = []
    var streamFlags: StreamFlags = []
    var options: [UInt32] = []
    var payload: [UInt8] = []

    /// Header, options, payload.
    var bytes: [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeFrameHeader(
            FrameHeader(
                flags: self.flags,
                streamFlags: self.streamFlags,
                optionCount: self.options.count,
                payloadLength: UInt32(self.payload.count)
            )
        )
        for option in self.options {
            buffer.writeInteger(option, endianness: .little)
        }
        buffer.writeBytes(self.payload)
        return Array(buffer.readableBytesView)
    }

    /// The frame as decoded.
    var decoded: Frame {
        Frame(
            flags: self.flags,
            streamFlags: self.streamFlags,
            optionCount: self.options.count,
            firstOption: self.options.first ?? 0,
            payload: ByteBuffer(bytes: self.payload)
        )
    }
}

extension WireFrame {
    static func random(using random: inout SeededGenerator, maximumPayload: Int = 64) -> WireFrame {
        WireFrame(
            flags: .known.intersection(FrameFlags(rawValue: .random(in: 0...255, using: &random))),
            streamFlags: StreamFlags(rawValue: .random(in: 0...15, using: &random)),
            options: (0..<Int.random(in: 0...10, using: &random)).map { _ in .random(in: 0...(.max), using: &random) },
            payload: random.bytes(Int.random(in: 0...maximumPayload, using: &random))
        )
    }
}

extension FrameDecoder {
    /// Adds bytes and takes every frame that is whole then.
    mutating func feed(_ bytes: some Sequence<UInt8>) throws(FrameError) -> [Frame] {
        self.append(ByteBuffer(bytes: bytes))
        var frames: [Frame] = []
        while let frame = try self.next() {
            frames.append(frame)
        }
        return frames
    }
}
