import NIOCore

/// How a call's argument and result are encoded: byte 1 of its frame.
package enum RPCCodec: Sendable, Hashable {
    case proto
    case json
    case raw
    case msgpack
    case gob
}

/// The failure of one call: its text is all that the caller gets. The connection goes on.
package struct RPCError: Error, Sendable, Hashable {
    package var text: String

    package init(_ text: String) {
        self.text = text
    }
}

/// Who calls.
package struct RPCCaller: Sendable, Hashable {
    /// The process at the other end of a Unix socket; `nil` over TCP.
    package var processID: Int32?

    package init(processID: Int32? = nil) {
        self.processID = processID
    }
}

/// One call of a method.
package struct RPCCall: Sendable {
    package var codec: RPCCodec
    /// The encoded argument; without readable bytes it stands for the zero value.
    package var argument: ByteBuffer
    package var caller: RPCCaller

    package init(codec: RPCCodec, argument: ByteBuffer, caller: RPCCaller = RPCCaller()) {
        self.codec = codec
        self.argument = argument
        self.caller = caller
    }
}

/// How a method runs. Both kinds start on the event loop of the RPC server, so neither may block it.
package enum RPCMethod: Sendable {
    /// Returns the result, encoded in the call's codec.
    case immediate(@Sendable (RPCCall) throws(RPCError) -> ByteBuffer)
    /// Completes the reply later, from any thread.
    case deferred(@Sendable (RPCCall, RPCReply) -> Void)
}

/// The methods of one service: `name.method` on the wire.
package struct RPCService: Sendable {
    package var name: String
    package var methods: [String: RPCMethod]

    package init(_ name: String, _ methods: [String: RPCMethod]) {
        self.name = name
        self.methods = methods
    }
}
