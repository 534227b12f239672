import JSON
import NIOCore

extension RPCError {
    /// A protobuf argument for a method without messages.
    package static let notProto = RPCError("goridge_read_request_body: message type is not a proto")
    /// A raw call of a method whose result is no bytes.
    package static let rawPayload = RPCError("unknown Raw payload type")
    /// A codec that no method takes.
    package static let unknownCodec = RPCError("unknown codec")
}

extension RPCCall {
    /// The argument of a method that takes JSON alone; `null` when there is none.
    package func json() throws(RPCError) -> JSONValue {
        switch self.codec {
        case .json: break
        case .proto: throw .notProto
        case .raw: throw .rawPayload
        case .msgpack, .gob: throw .unknownCodec
        }
        guard self.argument.readableBytes > 0 else {
            return .null
        }
        do {
            return try JSONValue(parsing: self.argument.readableBytesView)
        } catch {
            throw RPCError(error.description)
        }
    }
}

extension RPCCall {
    /// Reads the argument as a protobuf message.
    package func protobuf<Message>(
        _ read: (inout ProtobufReader) throws(ProtobufError) -> Message
    ) throws(RPCError) -> Message {
        var reader = ProtobufReader(self.argument)
        do throws(ProtobufError) {
            return try read(&reader)
        } catch {
            throw RPCError(error.description)
        }
    }

    /// The argument of a method that takes a JSON string.
    ///
    /// - Parameter what: What the string is, for the error without one.
    package func text(_ what: String) throws(RPCError) -> String {
        guard let text = try self.json().string else {
            throw RPCError("\(what) is wanted, as a string")
        }
        return text
    }
}

extension RPCReply {
    /// The argument of a call; `nil` if it is none, which has failed the call then.
    package func take<Argument>(_ argument: () throws(RPCError) -> Argument) -> Argument? {
        do throws(RPCError) {
            return try argument()
        } catch {
            self.complete(.failure(error))
            return nil
        }
    }
}

extension ByteBuffer {
    package init(json: JSONValue) {
        self.init(string: json.text)
    }
}
