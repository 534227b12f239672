import Goridge
import NIOCore

/// One frame, of a call or of its reply.
package struct RPCFrame: Sendable, Hashable {
    /// The caller's number of the call: its reply carries the same.
    package var id: UInt32
    package var codec: RPCCodec
    /// Of a reply: whether it tells why the call has failed.
    package var isError = false
    /// Bytes of the method's name, `service.Method`, at the front of the payload.
    package var nameLength: Int
    /// The name, then the argument, the result or the error's text.
    package var payload: ByteBuffer

    package var name: ByteBuffer {
        self.payload.getSlice(at: self.payload.readerIndex, length: self.nameLength) ?? ByteBuffer()
    }

    /// What follows the name.
    package var body: ByteBuffer {
        var body = self.payload
        body.moveReaderIndex(forwardBy: self.nameLength)
        return body
    }
}

/// Bytes that are no frame of a call: nothing that follows them can be understood.
package struct RPCFault: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: Sendable, Hashable {
        case frame(FrameError.Reason)
        /// A frame with another number of options than two.
        case optionCount(Int)
        /// A method's name that is longer than the payload.
        case nameLength(UInt32, payload: Int)
    }

    package var reason: Reason
    /// What was received from the fault on, or a part of it.
    package var bytes: ByteBuffer

    package var description: String {
        switch self.reason {
        case .frame(let reason): FrameError(reason: reason, bytes: self.bytes).description
        case .optionCount(let count): "a call has two options, not \(count)"
        case .nameLength(let length, let payload): "a method's name of \(length) bytes in a payload of \(payload)"
        }
    }
}

/// Cuts what a caller sends, or gets, into frames. As ``FrameDecoder`` it reserves nothing for what is only announced, and throws
/// the same error for ever after the first one.
package struct RPCFrameDecoder: Sendable {
    private var frames: FrameDecoder
    private var fault: RPCFault?

    /// - Parameter messageLimit: The most bytes of a name and what follows, up to 1 GiB.
    package init(messageLimit: Int) {
        self.frames = FrameDecoder(payloadLimit: messageLimit)
    }

    package mutating func append(_ bytes: ByteBuffer) {
        self.frames.append(bytes)
    }

    /// The next whole frame, or `nil` when more bytes are needed.
    package mutating func next() throws(RPCFault) -> RPCFrame? {
        if let fault {
            throw fault
        }
        let nameLength = self.frames.secondOption ?? 0
        let frame: Frame?
        do {
            frame = try self.frames.next()
        } catch {
            throw self.fail(.frame(error.reason), error.bytes)
        }
        guard let frame else {
            return nil
        }
        guard frame.optionCount == 2 else {
            throw self.fail(.optionCount(frame.optionCount), frame.payload)
        }
        guard nameLength <= frame.payload.readableBytes else {
            throw self.fail(.nameLength(nameLength, payload: frame.payload.readableBytes), frame.payload)
        }
        return RPCFrame(
            id: frame.firstOption,
            codec: RPCCodec(frame.flags),
            isError: frame.flags.contains(.error),
            nameLength: Int(nameLength),
            payload: frame.payload
        )
    }

    private mutating func fail(_ reason: RPCFault.Reason, _ bytes: ByteBuffer) -> RPCFault {
        let fault = RPCFault(reason: reason, bytes: bytes)
        self.fault = fault
        return fault
    }
}

extension RPCCodec {
    /// Of several flags the first of this order counts; without one it is Go's own encoding.
    init(_ flags: FrameFlags) {
        self =
            if flags.contains(.proto) { .proto } else if flags.contains(.json) { .json } else if flags.contains(.raw) {
                .raw
            } else if flags.contains(.msgpack) { .msgpack } else { .gob }
    }

    var flag: FrameFlags {
        switch self {
        case .proto: .proto
        case .json: .json
        case .raw: .raw
        case .msgpack: .msgpack
        case .gob: .gob
        }
    }
}

extension ByteBuffer {
    /// Appends what comes before the result or the error's text of a reply.
    ///
    /// - Parameter length: Bytes that follow.
    package mutating func writeRPCReplyHead(
        id: UInt32,
        codec: RPCCodec,
        isError: Bool,
        name: ByteBuffer,
        length: Int
    ) {
        self.writeRPCHead(flags: isError ? codec.flag.union(.error) : codec.flag, id: id, name: name, length: length)
    }

    /// Appends a whole request.
    package mutating func writeRPCRequest(id: UInt32, codec: RPCCodec, name: ByteBuffer, argument: ByteBuffer) {
        self.writeRPCHead(flags: codec.flag, id: id, name: name, length: argument.readableBytes)
        self.writeImmutableBuffer(argument)
    }

    private mutating func writeRPCHead(flags: FrameFlags, id: UInt32, name: ByteBuffer, length: Int) {
        let payloadLength = UInt32(name.readableBytes + length)
        // At once what is copied here by callers; more is not worth a guess.
        let room = FrameHeader.fixedLength + 8 + name.readableBytes + min(length, 1 << 16)
        self.reserveCapacity(minimumWritableBytes: room)
        self.writeFrameHeader(FrameHeader(flags: flags, optionCount: 2, payloadLength: payloadLength))
        self.writeInteger(id, endianness: .little)
        self.writeInteger(UInt32(name.readableBytes), endianness: .little)
        self.writeImmutableBuffer(name)
    }
}
