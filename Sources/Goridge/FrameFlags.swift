/// Byte 1 of a frame's header: the kind of the frame and the encoding of its payload.
package struct FrameFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    @inlinable package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    // The protocol's own implementations are generic, and would be called as such by other targets for every frame.
    @inlinable package var isEmpty: Bool {
        self.rawValue == 0
    }

    @inlinable package func contains(_ flags: FrameFlags) -> Bool {
        self.rawValue & flags.rawValue == flags.rawValue
    }

    /// A message about the worker itself (handshake, stop): JSON, no options.
    package static let control = FrameFlags(rawValue: 0x01)
    package static let raw = FrameFlags(rawValue: 0x04)
    package static let json = FrameFlags(rawValue: 0x08)
    package static let msgpack = FrameFlags(rawValue: 0x10)
    package static let gob = FrameFlags(rawValue: 0x20)
    /// The payload is an error message of the worker's.
    package static let error = FrameFlags(rawValue: 0x40)
    package static let proto = FrameFlags(rawValue: 0x80)

    /// The bits that have a meaning.
    package static let known: FrameFlags = [.control, .raw, .json, .msgpack, .gob, .error, .proto]
}

/// Byte 10 of a frame's header.
package struct StreamFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    @inlinable package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    @inlinable package func contains(_ flags: StreamFlags) -> Bool {
        self.rawValue & flags.rawValue == flags.rawValue
    }

    /// More frames of the same answer follow.
    package static let stream = StreamFlags(rawValue: 0x01)
    package static let stop = StreamFlags(rawValue: 0x02)
    package static let ping = StreamFlags(rawValue: 0x04)
    package static let pong = StreamFlags(rawValue: 0x08)

    /// The bits that have a meaning.
    package static let known: StreamFlags = [.stream, .stop, .ping, .pong]
}
