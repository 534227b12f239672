import NIOCore
import RPC

/// The argument of every method of `lock`.
struct LockRequest: Sendable, Hashable {
    var resource = ""
    var id = ""
    /// In microseconds.
    var ttl: Int64 = 0
    /// In microseconds.
    var wait: Int64 = 0
}

extension LockRequest {
    /// Reads a protobuf message of `lock.v1`, or a JSON object with the same names.
    init(_ call: RPCCall) throws(RPCError) {
        self.init()
        guard call.codec == .proto else {
            let argument = try JSONArgument(call)
            self.resource = try argument.member("resource").text
            self.id = try argument.member("id").text
            self.ttl = try argument.member("ttl").integer
            self.wait = try argument.member("wait").integer
            return
        }
        try call.protobuf { reader throws(ProtobufError) in try self.read(&reader) }
    }

    private mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let tag = try reader.nextTag() {
            switch (tag.number, tag.type) {
            case (1, .bytes): self.resource = try reader.text()
            case (2, .bytes): self.id = try reader.text()
            case (3, .varint): self.ttl = Int64(bitPattern: try reader.varint())
            case (4, .varint): self.wait = Int64(bitPattern: try reader.varint())
            default: try reader.skip(tag)
            }
        }
    }
}

/// The result of every method of `lock`.
enum LockResponse {
    static func encode(_ isOK: Bool, _ codec: RPCCodec) -> ByteBuffer {
        var buffer = ByteBuffer()
        if codec == .json {
            buffer.writeString(isOK ? "{\"ok\":true}" : "{\"ok\":false}")
        } else {
            buffer.writeProtobuf(isOK ? 1 : 0, field: 1)
        }
        return buffer
    }
}
