import NIOCore
import RPC

/// One entry of a worker's log: a message with attributes in their order.
struct ApplicationLogEntry: Sendable, Hashable {
    struct Attribute: Sendable, Hashable {
        var key = ""
        var value = ""
    }

    /// The most attributes of an entry.
    static let mostAttributes = 1000

    var message = ""
    var attributes: [Attribute] = []
}

extension ApplicationLogEntry {
    /// Reads a protobuf message `applogger.v1.LogEntry`, or a JSON object with the same names.
    init(_ call: RPCCall) throws(RPCError) {
        self.init()
        guard call.codec == .proto else {
            let argument = try JSONArgument(call)
            self.message = try argument.member("message").text
            for attribute in try argument.member("log_attrs").elements.prefix(Self.mostAttributes) {
                self.attributes.append(
                    Attribute(key: try attribute.member("key").text, value: try attribute.member("value").text))
            }
            return
        }
        try call.protobuf { reader throws(ProtobufError) in try self.read(&reader) }
    }

    private mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let tag = try reader.nextTag() {
            switch (tag.number, tag.type) {
            case (1, .bytes): self.message = try reader.text()
            case (2, .bytes) where self.attributes.count < Self.mostAttributes:
                self.attributes.append(try Attribute(protobuf: try reader.bytes()))
            default: try reader.skip(tag)
            }
        }
    }

    /// The entry in one line, as RoadRunner writes it: `message key:value,key:value`.
    var text: String {
        guard !self.attributes.isEmpty else {
            return self.message
        }
        return self.message + " " + self.attributes.map { "\($0.key):\($0.value)" }.joined(separator: ",")
    }

    /// The entry without what would make a line longer than a log should have.
    func shortened(to mostBytes: Int) -> ApplicationLogEntry {
        var left = mostBytes
        var entry = ApplicationLogEntry(message: self.message.taking(from: &left))
        for attribute in self.attributes where left > 0 {
            entry.attributes.append(
                Attribute(key: attribute.key.taking(from: &left), value: attribute.value.taking(from: &left)))
        }
        return entry
    }
}

extension ApplicationLogEntry.Attribute {
    fileprivate init(protobuf message: ByteBuffer) throws(ProtobufError) {
        var reader = ProtobufReader(message)
        while let tag = try reader.nextTag() {
            switch (tag.number, tag.type) {
            case (1, .bytes): self.key = try reader.text()
            case (2, .bytes): self.value = try reader.text()
            default: try reader.skip(tag)
            }
        }
    }
}

extension String {
    /// As much of the text as there are bytes left, with `…` where some is missing.
    fileprivate func taking(from left: inout Int) -> String {
        let count = self.utf8.count
        guard count > left else {
            left -= count
            return self
        }
        var end = self.utf8.index(self.utf8.startIndex, offsetBy: max(0, left))
        left = 0
        // Not in the middle of a character's bytes.
        end = self.unicodeScalars.index(before: self.unicodeScalars.index(after: end))
        return self[..<end] + "…"
    }
}
