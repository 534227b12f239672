import JSON
import KeyValue
import NIOCore
import RPC

/// The message `kv.v1.Response`, in the codec of its call.
struct KeyValueResult {
    private struct Item {
        let key: ByteBuffer
        let value: StoredValue?
        let timeout: String
    }

    private let items: [Item]

    /// - Parameter items: Of the call that is answered. Keys that do not exist are left out of the result.
    init(_ answer: StorageAnswer, to items: [KeyValueArgument.Item]) {
        var list: [Item] = []
        func append<Element>(_ elements: [Element], _ make: (Element) -> (StoredValue?, String)?) {
            list.reserveCapacity(elements.count)
            for (item, element) in zip(items, elements) {
                guard let (value, timeout) = make(element) else { continue }
                list.append(Item(key: item.key, value: value, timeout: timeout))
            }
        }
        switch answer {
        case .done: break
        case .existence(let elements), .added(let elements): append(elements) { $0 ? (nil, "") : nil }
        case .values(let elements): append(elements) { value in value.map { ($0, "") } }
        case .numbers(let elements):
            append(elements) { (StoredValue(ByteBuffer(string: StoredInteger.text($0))), "") }
        case .expiries(let elements):
            append(elements) { expiry in
                switch expiry {
                case .absent: nil
                case .never: (nil, "")
                case .at(let time): (nil, GoTime.format(time))
                }
            }
        }
        self.items = list
    }

    func encode(_ codec: RPCCodec) -> ByteBuffer {
        codec == .json ? self.json : self.proto
    }

    private var proto: ByteBuffer {
        guard !self.items.isEmpty else { return ByteBuffer() }
        let lengths = self.items.map { item in
            ByteBuffer.protobufLength(ofBytes: item.key.readableBytes, field: 1)
                + ByteBuffer.protobufLength(ofBytes: item.value?.count ?? 0, field: 2)
                + ByteBuffer.protobufLength(ofBytes: item.timeout.utf8.count, field: 3)
        }
        // A tag and a length are 11 bytes at most.
        var buffer = ByteBuffer()
        buffer.reserveCapacity(lengths.reduce(0) { $0 + $1 + 11 })
        for (item, length) in zip(self.items, lengths) {
            buffer.writeProtobufMessageHeader(length: length, field: 1)
            buffer.writeProtobuf(item.key, field: 1)
            if let value = item.value, value.count > 0 {
                buffer.writeProtobufMessageHeader(length: value.count, field: 2)
                value.write(to: &buffer)
            }
            buffer.writeProtobuf(item.timeout, field: 3)
        }
        return buffer
    }

    /// A result of one key and its value.
    static func proto(key: UnsafeRawBufferPointer, _ value: StoredValue) -> ByteBuffer {
        let length =
            ByteBuffer.protobufLength(ofBytes: key.count, field: 1)
            + ByteBuffer.protobufLength(ofBytes: value.count, field: 2)
        var buffer = ByteBufferAllocator().buffer(capacity: length + 11)
        buffer.writeProtobufMessageHeader(length: length, field: 1)
        buffer.writeProtobufMessageHeader(length: key.count, field: 1)
        buffer.writeBytes(key)
        if value.count > 0 {
            buffer.writeProtobufMessageHeader(length: value.count, field: 2)
            value.write(to: &buffer)
        }
        return buffer
    }

    private var json: ByteBuffer {
        let items = self.items.map { item in
            var members: [JSONMember] = []
            if item.key.readableBytes > 0 { members.append(JSONMember("key", .string(String(buffer: item.key)))) }
            if let value = item.value, value.count > 0 {
                var bytes = ByteBuffer()
                value.write(to: &bytes)
                members.append(JSONMember("value", .base64(Array(bytes.readableBytesView))))
            }
            if !item.timeout.isEmpty { members.append(JSONMember("timeout", .string(item.timeout))) }
            return JSONValue.object(members)
        }
        return ByteBuffer(json: .object(items.isEmpty ? [] : [JSONMember("items", .array(items))]))
    }
}
