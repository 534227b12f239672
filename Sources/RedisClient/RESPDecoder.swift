import NIOCore

/// Cuts a stream of bytes into replies, RESP2 and RESP3; a reply may come in any number of pieces.
///
/// Memory is bounded by the bytes received, and by ``Limits/reply``: nothing is reserved for an announced length beyond
/// 1 MiB. A reply is read once however many pieces it has. After a fault the decoder throws the same fault for ever.
package struct RESPDecoder: Sendable {
    package struct Limits: Sendable {
        /// Bytes of a line: a text, a number, an error.
        package var line = 16 << 10
        /// Bytes of a reply, with ``RESPDecoder/costOfElement`` for each of its elements.
        package var reply = 512 << 20
        /// Lists within lists.
        package var depth = 16

        package init() {}
    }

    /// About what an element takes in memory beyond its bytes.
    static let costOfElement = 32
    private static let reservation = 1 << 20

    /// A list of which elements are missing.
    private struct Collection {
        enum Kind { case array, push, attributes }
        var kind: Kind
        var missing: Int
        var elements: [RESPValue] = []
    }

    private enum Item {
        case value(RESPValue)
        /// A list begins, or attributes were left out.
        case nothing
        case incomplete
    }

    private let limits: Limits
    private var pending = ByteBuffer()
    /// So many bytes must be there before reading on makes sense.
    private var awaited = 1
    private var open: [Collection] = []
    /// Of the present reply, as ``Limits/reply`` counts.
    private var size = 0
    private var fault: RESPFault?

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Memory that received bytes take.
    var capacity: Int { self.pending.storageCapacity }

    package mutating func append(_ bytes: ByteBuffer) {
        guard self.fault == nil else { return }
        guard self.pending.readableBytes > 0 else {
            self.pending = bytes
            return
        }
        if self.pending.readerIndex > self.pending.storageCapacity / 2 {
            self.pending.discardReadBytes()
        }
        let missing = min(self.awaited - self.pending.readableBytes, Self.reservation)
        self.pending.reserveCapacity(minimumWritableBytes: max(bytes.readableBytes, missing))
        self.pending.writeImmutableBuffer(bytes)
    }

    /// The next whole reply, or `nil` when more bytes are needed.
    package mutating func next() throws(RESPFault) -> RESPValue? {
        if let fault { throw fault }
        do throws(RESPFault) {
            while self.pending.readableBytes >= self.awaited {
                switch try self.item() {
                case .incomplete: return nil
                case .nothing: continue
                case .value(let value):
                    guard let reply = self.place(value) else { continue }
                    self.size = 0
                    return reply
                }
            }
            return nil
        } catch {
            self.fault = error
            self.pending = ByteBuffer()
            self.open = []
            throw error
        }
    }

    /// Puts a value into the list that is open.
    ///
    /// - Returns: The value, or the list that it completes, if that is a whole reply.
    private mutating func place(_ value: RESPValue) -> RESPValue? {
        var value = value
        while let last = self.open.indices.last {
            if self.open[last].kind != .attributes {
                self.open[last].elements.append(value)
            }
            self.open[last].missing -= 1
            guard self.open[last].missing == 0 else { return nil }
            let whole = self.open.removeLast()
            switch whole.kind {
            case .array: value = .array(whole.elements)
            case .push: value = .push(whole.elements)
            // They stand before the value that they describe.
            case .attributes: return nil
            }
        }
        return value
    }
}

// MARK: Items

extension RESPDecoder {
    private mutating func item() throws(RESPFault) -> Item {
        guard let kind = self.pending.getInteger(at: self.pending.readerIndex, as: UInt8.self),
            let end = try self.endOfLine()
        else {
            return .incomplete
        }
        let start = self.pending.readerIndex + 1
        let header = end + 2 - self.pending.readerIndex
        switch kind {
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            return try self.bytes(kind, from: start, to: end, header: header)
        case UInt8(ascii: "*"), UInt8(ascii: "~"): return try self.collection(.array, 1, start, end)
        case UInt8(ascii: "%"): return try self.collection(.array, 2, start, end)
        case UInt8(ascii: ">"): return try self.collection(.push, 1, start, end)
        case UInt8(ascii: "|"): return try self.collection(.attributes, 2, start, end)
        default: break
        }
        try self.charge(header)
        let value: RESPValue
        switch kind {
        case UInt8(ascii: "+"): value = .text(self.line(start, end))
        case UInt8(ascii: "-"): value = .error(self.line(start, end))
        case UInt8(ascii: ":"): value = .integer(try self.integer(start, end))
        case UInt8(ascii: "#"): value = .integer(try self.boolean(start, end))
        case UInt8(ascii: "_"): value = .null
        case UInt8(ascii: ","), UInt8(ascii: "("): value = .text(self.line(start, end))
        default: throw RESPFault(reason: "a reply begins with byte \(kind)")
        }
        self.consume(header)
        return .value(value)
    }

    private mutating func bytes(
        _ kind: UInt8, from start: Int, to end: Int, header: Int
    ) throws(RESPFault) -> Item {
        let count = try self.integer(start, end)
        if count == -1, kind == UInt8(ascii: "$") {
            try self.charge(header)
            self.consume(header)
            return .value(.null)
        }
        let room = self.limits.reply - self.size - header - 2 - Self.costOfElement
        guard count >= 0, count <= room else { throw self.refusal(count) }
        let whole = header + Int(count) + 2
        guard self.pending.readableBytes >= whole else {
            self.awaited = whole
            return .incomplete
        }
        try self.charge(whole)
        let index = self.pending.readerIndex + header
        guard let payload = self.pending.getSlice(at: index, length: Int(count)),
            self.pending.getInteger(at: index + Int(count), as: UInt16.self) == 0x0D0A
        else {
            throw RESPFault(reason: "bytes do not end where their length says")
        }
        self.consume(whole)
        switch kind {
        case UInt8(ascii: "$"): return .value(.bulk(payload))
        case UInt8(ascii: "!"): return .value(.error(String(buffer: payload)))
        default:
            // `txt:` or `mkd:` comes first.
            var text = payload
            guard text.readSlice(length: min(4, Int(count))) != nil, count >= 4 else {
                throw RESPFault(reason: "a verbatim text has no kind")
            }
            return .value(.bulk(text))
        }
    }

    private mutating func collection(
        _ kind: Collection.Kind, _ perEntry: Int64, _ start: Int, _ end: Int
    ) throws(RESPFault) -> Item {
        let count = try self.integer(start, end)
        let header = end + 2 - self.pending.readerIndex
        let room = Int64(self.limits.reply - self.size) / Int64(Self.costOfElement)
        guard count >= -1, count <= room / perEntry else { throw self.refusal(count) }
        try self.charge(header)
        self.consume(header)
        switch (count, kind) {
        case (-1, _): return .value(.null)
        case (0, .array): return .value(.array([]))
        case (0, .push): return .value(.push([]))
        case (0, .attributes): return .nothing
        default:
            guard self.open.count < self.limits.depth else {
                throw RESPFault(reason: "lists are nested more than \(self.limits.depth) deep")
            }
            self.open.append(Collection(kind: kind, missing: Int(count * perEntry)))
            return .nothing
        }
    }

    private func refusal(_ count: Int64) -> RESPFault {
        RESPFault(reason: count < 0 ? "a length is \(count)" : "a reply is larger than \(self.limits.reply) bytes")
    }

    private mutating func charge(_ bytes: Int) throws(RESPFault) {
        self.size += bytes + Self.costOfElement
        guard self.size <= self.limits.reply else { throw self.refusal(Int64(self.size)) }
    }

    private mutating func consume(_ count: Int) {
        self.awaited = 1
        if self.pending.readableBytes == count {
            // The memory is released, or left to the values that are slices of it.
            self.pending = ByteBuffer()
        } else {
            self.pending.moveReaderIndex(forwardBy: count)
        }
    }
}

// MARK: Lines

extension RESPDecoder {
    /// - Returns: The index of the line's CR; `nil` when the line is incomplete.
    private func endOfLine() throws(RESPFault) -> Int? {
        let bytes = self.pending.readableBytesView.prefix(self.limits.line)
        guard let end = bytes.firstIndex(of: 0x0D) else {
            guard bytes.count < self.limits.line else {
                throw RESPFault(reason: "a line is longer than \(self.limits.line) bytes")
            }
            return nil
        }
        switch self.pending.getInteger(at: end + 1, as: UInt8.self) {
        case nil: return nil
        case 0x0A: return end
        default: throw RESPFault(reason: "a line has a carriage return within")
        }
    }

    private func line(_ start: Int, _ end: Int) -> String {
        self.pending.getString(at: start, length: end - start) ?? ""
    }

    private func integer(_ start: Int, _ end: Int) throws(RESPFault) -> Int64 {
        guard let number = Int64(self.line(start, end)) else { throw RESPFault(reason: "a number is malformed") }
        return number
    }

    private func boolean(_ start: Int, _ end: Int) throws(RESPFault) -> Int64 {
        switch self.line(start, end) {
        case "t": return 1
        case "f": return 0
        default: throw RESPFault(reason: "a boolean is malformed")
        }
    }
}
