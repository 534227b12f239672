import JSON
import NIOCore
import RPC

/// The message `kv.v1.Request`. Nothing of it is copied out of the frame.
struct KeyValueArgument {
    struct Item {
        var key = ByteBuffer()
        var value = ByteBuffer()
        /// RFC 3339, or empty for none.
        var timeout = ByteBuffer()
    }

    /// The most items of one call: two bytes of a frame become an item of a hundred.
    static let itemLimit = 1_000_000

    var storage = ByteBuffer()
    var items: [Item] = []

    init(_ call: RPCCall) throws(RPCError) {
        switch call.codec {
        case .proto: try call.protobuf { reader throws(ProtobufError) in try self.read(&reader) }
        case .json: try self.readJSON(try call.json())
        case .raw: throw .rawPayload
        case .msgpack, .gob: throw .unknownCodec
        }
        guard self.items.count <= Self.itemLimit else {
            throw RPCError("a call has more than \(Self.itemLimit) items")
        }
    }

    private mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while self.items.count <= Self.itemLimit, let tag = try reader.nextTag() {
            switch (tag.number, tag.type) {
            case (1, .bytes): self.storage = try reader.utf8()
            case (2, .bytes): self.items.append(try Item(ProtobufReader(try reader.bytes())))
            default: try reader.skip(tag)
            }
        }
    }
}

extension KeyValueArgument.Item {
    init(_ message: ProtobufReader) throws(ProtobufError) {
        var reader = message
        while let tag = try reader.nextTag() {
            switch (tag.number, tag.type) {
            case (1, .bytes): self.key = try reader.utf8()
            case (2, .bytes): self.value = try reader.bytes()
            case (3, .bytes): self.timeout = try reader.utf8()
            default: try reader.skip(tag)
            }
        }
    }
}
