import NIOCore

/// One complete frame as received.
package struct Frame: Sendable, Hashable {
    package var flags: FrameFlags
    package var streamFlags: StreamFlags
    /// Options the frame carries, 0 to ``FrameHeader/maximumOptionCount``.
    package var optionCount: Int
    /// The first option, or 0 without options: the length of the context in a request or an answer.
    package var firstOption: UInt32
    /// Context and body. It shares memory with the read buffer.
    package var payload: ByteBuffer

    package init(
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
