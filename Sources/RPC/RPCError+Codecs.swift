/// Codecs that a method does not take, in the words of RoadRunner.
extension RPCError {
    /// A method whose argument is no protobuf message was called with one.
    package static let notProtobuf = RPCError("goridge_read_request_body: message type is not a proto")
    /// A method whose argument is not bytes was called with the raw codec.
    package static let notBytes = RPCError("unknown Raw payload type")
    package static let unknownCodec = RPCError("unknown codec")

    /// The error about a codec that a method takes neither as protobuf nor as JSON.
    package static func unsupported(_ codec: RPCCodec) -> RPCError {
        switch codec {
        case .proto: .notProtobuf
        case .raw: .notBytes
        case .json, .msgpack, .gob: .unknownCodec
        }
    }
}
