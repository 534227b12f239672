import JSON
import NIOCore
import RPC

extension KeyValueArgument {
    /// Reads an object `{"storage":…,"items":[{"key":…,"value":…,"timeout":…}]}`, its values in base64; in any case of
    /// names, and with `null` for whatever is left out, as Go's decoder does.
    mutating func readJSON(_ value: JSONValue) throws(RPCError) {
        guard value != .null else { return }
        guard case .object = value else { throw Self.mismatch(value, "value of type kvv1.Request") }
        self.storage = try Self.text(value, "storage", of: "Request")
        guard let items = value[inAnyCase: "items"], items != .null else { return }
        guard let elements = items.elements else {
            throw Self.mismatch(items, "struct field Request.items of type []*kvv1.Item")
        }
        self.items.reserveCapacity(elements.count)
        for element in elements {
            self.items.append(try Self.item(element))
        }
    }

    private static func item(_ value: JSONValue) throws(RPCError) -> Item {
        guard value != .null else { return Item() }
        guard case .object = value else { throw self.mismatch(value, "struct field Request.items of type kvv1.Item") }
        var item = Item()
        item.key = try self.text(value, "key", of: "Item")
        item.timeout = try self.text(value, "timeout", of: "Item")
        guard let bytes = value[inAnyCase: "value"], bytes != .null else { return item }
        guard bytes.string != nil else { throw self.mismatch(bytes, "struct field Item.value of type []uint8") }
        guard let decoded = bytes.base64 else { throw RPCError("illegal base64 data in the value of an item") }
        item.value = ByteBuffer(bytes: decoded)
        return item
    }

    private static func text(
        _ object: JSONValue, _ name: String, of message: String
    ) throws(RPCError) -> ByteBuffer {
        guard let value = object[inAnyCase: name], value != .null else { return ByteBuffer() }
        guard let text = value.string else {
            throw self.mismatch(value, "struct field \(message).\(name) of type string")
        }
        return ByteBuffer(string: text)
    }

    /// In the words of Go's `encoding/json`.
    private static func mismatch(_ value: JSONValue, _ target: String) -> RPCError {
        RPCError("json: cannot unmarshal \(value.kindName) into Go \(target)")
    }
}
