/// Byte 1 of a frame's header: what the frame is and how its payload is written.
public struct FrameFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// A message between server and worker themselves (handshake, stop): JSON, no options.
    public static let control = FrameFlags(rawValue: 0x01)
    public static let raw = FrameFlags(rawValue: 0x04)
    public static let json = FrameFlags(rawValue: 0x08)
    public static let msgpack = FrameFlags(rawValue: 0x10)
    public static let gob = FrameFlags(rawValue: 0x20)
    /// The payload is an error message of the worker's.
    public static let error = FrameFlags(rawValue: 0x40)
    public static let proto = FrameFlags(rawValue: 0x80)

    /// The bits that have a meaning.
    public static let known: FrameFlags = [.control, .raw, .json, .msgpack, .gob, .error, .proto]
}

/// Byte 10 of a frame's header.
public struct StreamFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// More frames of the same answer follow.
    public static let stream = StreamFlags(rawValue: 0x01)
    public static let stop = StreamFlags(rawValue: 0x02)
    public static let ping = StreamFlags(rawValue: 0x04)
    public static let pong = StreamFlags(rawValue: 0x08)

    /// The bits that have a meaning.
    public static let known: StreamFlags = [.stream, .stop, .ping, .pong]
}
