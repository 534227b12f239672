import Configuration
import TCPServer

/// `tcp.servers.<name>.framing`: the content of one `DATA` event.
enum Framing: String, Sendable, Equatable, CaseIterable {
    /// Everything read so far, once it ends with the delimiter, as in RoadRunner: pipelined packets arrive together.
    case merge
    /// One packet per event. RoadRunner does not have this, nor what follows.
    case split
    /// A field says how long the packet is.
    case length
    /// All packets have the same size.
    case fixed
    /// Whatever was read.
    case raw
    /// The first bytes of a packet choose a rule.
    case rules

    /// The keys that are of this framing, and not of all.
    var keys: [String] {
        switch self {
        case .merge: ["delimiter", "delimiters"]
        case .split: ["delimiter", "delimiters", "start", "trailer"]
        case .length: ["length"]
        case .fixed: ["size"]
        case .raw: []
        case .rules: ["rules"]
        }
    }
}

extension ListenerSettings {
    /// `nil` instead of an empty list: no such key.
    var delimitersIfAny: [[UInt8]]? {
        get { self.delimiters.isEmpty ? nil : self.delimiters }
        set { self.delimiters = newValue ?? [] }
    }

    /// Finds keys that are of another framing, and those that are missing.
    func checkFraming(_ reader: inout SectionReader) throws(ConfigurationError) {
        let own = self.framing.keys
        for key in ["delimiter", "delimiters", "start", "trailer", "length", "size", "rules"] where !own.contains(key) {
            guard let entry = reader.given(key) else { continue }
            let others = Framing.allCases.filter { $0.keys.contains(key) }.map { "`framing: \($0.rawValue)`" }
            throw entry.keyPlace.error(
                .invalidValue, "`framing: \(self.framing.rawValue)` has no `\(key)`", key: reader.path(key),
                fix: "remove it, or use \(others.joined(separator: " or "))")
        }
        // What is read counts, not what is there: an empty variable gives no value.
        let missing: String? =
            switch self.framing {
            case .merge, .split, .raw: nil
            case .length: self.length == nil ? "length" : nil
            case .fixed: self.size == nil ? "size" : nil
            case .rules: reader.given("rules") == nil ? "rules" : nil
            }
        if let missing {
            throw reader.place.error(
                .missingValue, "`framing: \(self.framing.rawValue)` needs `\(missing)`", key: reader.path(missing),
                fix: "add it")
        }
        try reader.checkOneDelimiter()
        if !own.contains("delimiter") || !self.delimiters.isEmpty {
            reader.forget("delimiter")
        }
        if let size = self.size, size > self.maxPacketSize, let entry = reader.given("size") {
            throw entry.value.place.error(
                .outOfRange, "\(size) bytes are more than `max_packet_size`", key: reader.path("size"),
                fix: "use at most \(self.maxPacketSize)")
        }
        try self.checkRules(reader)
    }

    /// Finds rules that no packet ever gets to, or none of them can be whole.
    private func checkRules(_ reader: SectionReader) throws(ConfigurationError) {
        if self.framing == .rules, self.rules.isEmpty, let entry = reader.given("rules") {
            throw entry.keyPlace.error(.missingValue, "there is no rule", key: reader.path("rules"), fix: "add one")
        }
        for (number, rule) in self.rules.enumerated() {
            let source = reader.source.mapping("rules")?.mapping("\(number)")
            if let size = rule.size, size > self.maxPacketSize {
                throw (source?["size"]?.value.place ?? reader.place).error(
                    .outOfRange, "\(size) bytes are more than `max_packet_size`",
                    key: reader.path("rules.\(number).size"), fix: "use at most \(self.maxPacketSize)")
            }
            guard let earlier = self.rules[..<number].firstIndex(where: { rule.starts.starts(with: $0.starts) }) else {
                continue
            }
            throw (source?["starts"]?.value.place ?? reader.place).error(
                .invalidValue, "rule \(earlier) takes all packets that begin so",
                key: reader.path("rules.\(number).starts"), fix: "put this rule before it")
        }
    }
}

/// `tcp.servers.<name>.length`: the field that says how long a packet is.
struct LengthSettings: Sendable, Equatable {
    enum Form: String, Sendable, Equatable, CaseIterable {
        case binary, decimal, hex, varint
    }

    enum ByteOrder: String, Sendable, Equatable, CaseIterable {
        case big, little
    }

    var type = Form.binary
    /// In bytes or digits.
    var size: Int?
    /// The byte behind the digits.
    var until: [UInt8]?
    var order: ByteOrder?
    var offset = 0
    var add: Int?

    static let section = Section(Self()) {
        Key(
            "type", \.type, .choice(), marks: .ours,
            "An unsigned number; `decimal` or `hex` digits; or a `varint` of at most four bytes, as in MQTT.",
            default: "binary"
        )
        Key(
            "size", \.size, .integer(in: 1...20), marks: .ours,
            "Its bytes: 1, 2, 3, 4 or 8. Or its digits: up to 20 `decimal`, 16 `hex`.", default: "required, or `until`"
        )
        Key(
            "until", \.until, .bytes(1...1), marks: .ours,
            "Instead of `size` for digits: what ends them. At most 20 come before it."
        )
        Key("order", \.order, .choice(), marks: .ours, "Of a `binary` one's bytes.", default: "big")
        Key(
            "offset", \.offset, .integer(in: 0...65535, unit: "bytes"), marks: .ours,
            "Where in the packet it begins.", default: "0"
        )
        Key(
            "add", \.add, .integer(in: 0...1 << 30, unit: "bytes"), marks: .ours,
            "Bytes of the packet that the value does not count; 0: it counts all, itself too. With `until` and `varint` "
                + "besides the digits or bytes of the number itself, which no value counts.",
            default: "what lies before its end"
        )
    } check: { reader, length throws(ConfigurationError) in
        let (needs, refused): (String?, [String]) =
            switch length.type {
            case .binary: ("size", ["until"])
            case .decimal, .hex: (length.until == nil ? "size" : nil, ["order"])
            case .varint: (nil, ["size", "until", "order"])
            }
        for key in refused {
            guard let entry = reader.given(key) else { continue }
            throw entry.keyPlace.error(
                .invalidValue, "`type: \(length.type.rawValue)` has no `\(key)`", key: reader.path(key),
                fix: "remove it")
        }
        if length.size != nil, length.until != nil, let entry = reader.given("until") {
            throw entry.keyPlace.error(
                .invalidValue, "`size` and `until` exclude each other", key: reader.path("until"), fix: "remove one")
        }
        let sizes = length.sizes
        guard let size = length.size else {
            guard let needs else { return }
            throw reader.place.error(.missingValue, "is missing", key: reader.path(needs), fix: sizes.fix)
        }
        guard sizes.allowed.contains(size) else {
            let place = reader.given("size")?.value.place ?? reader.place
            throw place.error(.outOfRange, "\(size) is not allowed", key: reader.path("size"), fix: sizes.fix)
        }
    }

    private var sizes: (allowed: [Int], fix: String) {
        switch self.type {
        case .binary: ([1, 2, 3, 4, 8], "use 1, 2, 3, 4 or 8")
        case .decimal: (Array(1...20), "use 1...20, or `until`")
        case .hex: (Array(1...16), "use 1...16, or `until`")
        case .varint: ([], "")
        }
    }
}

/// `tcp.servers.<name>.rules`: how packets that begin so are cut.
struct StartRuleSettings: Sendable, Equatable {
    static let most = 64

    /// Empty: any packet.
    var starts: [UInt8] = []
    var length: LengthSettings?
    var size: Int?
    var delimiter: [UInt8]?
    var delimiters: [[UInt8]]?
    var trailer: Int?

    static let section = Section(Self()) {
        Key(
            "starts", \.starts, .bytes(0...64), marks: .ours, "",
            required: MissingKey(
                "a rule needs `starts`: the bytes that its packets begin with", fix: "write \"\" for any packet"))
        Key("length", \.length, section: LengthSettings.section)
        Key("size", \.size, .packetSize, marks: .ours)
        Key("delimiter", \.delimiter, .bytes(1...1 << 20), marks: .ours)
        Key("delimiters", \.delimiters, .delimiters, marks: .ours)
        Key("trailer", \.trailer, .integer(in: 1...1024, unit: "bytes"), marks: .ours)
    } check: { reader, rule throws(ConfigurationError) in
        try reader.checkOneDelimiter()
        let isDelimited = rule.delimiter != nil || rule.delimiters != nil
        guard [rule.length != nil, rule.size != nil, isDelimited].count(where: { $0 }) == 1 else {
            throw reader.place.error(
                .invalidValue, "a rule has one of `length`, `size`, `delimiter` and `delimiters`", key: reader.path,
                fix: isDelimited || rule.length != nil ? "remove the others" : "add one")
        }
        if !isDelimited, let entry = reader.given("trailer") {
            throw entry.keyPlace.error(
                .invalidValue, "a rule has a `trailer` only with a delimiter", key: reader.path("trailer"),
                fix: "remove it")
        }
        if let size = rule.size, size < rule.starts.count, let entry = reader.given("size") {
            throw entry.value.place.error(
                .outOfRange, "\(size) is less than `starts` has", key: reader.path("size"),
                fix: "use \(rule.starts.count) or more")
        }
    }
}

extension ValueKind<Int> {
    /// The size of all packets.
    static var packetSize: ValueKind { .integer(in: 1...1 << 30, unit: "bytes") }
}

extension ValueKind<[[UInt8]]> {
    static var delimiters: ValueKind {
        .listOfBytes(most: DelimiterSet.mostDelimiters, 1...DelimiterSet.longestDelimiter)
    }
}

extension SectionReader {
    /// A key that is there and not null.
    fileprivate func given(_ key: String) -> SourceEntry? {
        guard let entry = self.source[key], !entry.value.isNull else { return nil }
        return entry
    }

    fileprivate func checkOneDelimiter() throws(ConfigurationError) {
        guard self.given("delimiter") != nil, let entry = self.given("delimiters") else { return }
        throw entry.keyPlace.error(
            .invalidValue, "`delimiter` and `delimiters` exclude each other", key: self.path("delimiters"),
            fix: "remove one")
    }
}
