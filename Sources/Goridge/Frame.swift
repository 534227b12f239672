public import NIOCore

/// One whole frame as it came.
public struct Frame: Sendable, Hashable {
    public var flags: FrameFlags
    public var streamFlags: StreamFlags
    /// Options the frame carries, 0 to ``FrameHeader/maximumOptionCount``.
    public var optionCount: Int
    /// The first option, or 0 without options: the length of the context in a request or an answer.
    public var firstOption: UInt32
    /// Context and body; shares its memory with what was read.
    public var payload: ByteBuffer

    public init(
        flags: FrameFlags = [],
        streamFlags: StreamFlags = [],
        optionCount: Int = 0,
        firstOption: UInt32 = 0,
        payload: ByteBuffer
    ) {
        self.flags = flags
        self.streamFlags = streamFlags
        self.optionCount = optionCount
        self.firstOption = firstOption
        self.payload = payload
    }
}
