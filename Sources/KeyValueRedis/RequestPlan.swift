import KeyValue
import NIOCore
import RedisClient

/// The commands for a request, and how their replies become its answer.
struct RequestPlan: Sendable {
    private let kind: StorageRequest.Kind
    private let count: Int
    private(set) var commands: [RedisCommand] = []
    /// For each command the places of its items in the request.
    private var places: [[Int]] = []

    /// - Parameter isCluster: Whether a command may only name keys of one slot.
    init(_ request: StorageRequest, isCluster: Bool) {
        self.kind = request.kind
        switch request {
        case .has(let keys):
            self.count = keys.count
            self.plan(keys, \.self, isCluster) { Self.each("EXISTS", $0) }
        case .get(let keys):
            self.count = keys.count
            self.plan(keys, \.self, isCluster) { ["MGET"] + $0.map { .bytes($0) } }
        case .timeToLive(let keys):
            self.count = keys.count
            self.plan(keys, \.self, isCluster) { Self.each("PEXPIRETIME", $0) }
        case .set(let items):
            self.count = items.count
            self.plan(items, \.key, isCluster) { Self.set($0) }
        case .add(let items):
            self.count = items.count
            self.plan(items, \.key, isCluster, isRepeatable: false) { Self.add($0) }
        case .increment(let increments):
            self.count = increments.count
            self.plan(increments, \.key, isCluster, isRepeatable: false) { Self.increment($0) }
        case .expire(let expiries):
            self.count = expiries.count
            self.plan(expiries, \.key, isCluster) { Self.expire($0) }
        case .delete(let keys):
            self.count = keys.count
            self.plan(keys, \.self, isCluster) { ["DEL"] + $0.map { .bytes($0) } }
        case .clear:
            self.count = 0
            // The memory is freed in the background; a large database would stop the server otherwise.
            self.commands = [RedisCommand(["FLUSHDB", "ASYNC"])]
        }
    }

    private mutating func plan<Item>(
        _ items: [Item],
        _ key: KeyPath<Item, ByteBuffer>,
        _ isCluster: Bool,
        isRepeatable: Bool = true,
        _ arguments: ([Item]) -> [RedisCommand.Argument]
    ) {
        guard isCluster else {
            guard !items.isEmpty else { return }
            self.commands = [RedisCommand(arguments(items), isRepeatable: isRepeatable)]
            self.places = [Array(items.indices)]
            return
        }
        var groups: [HashSlot: Int] = [:]
        var slots: [HashSlot] = []
        for (index, item) in items.enumerated() {
            let slot = HashSlot(of: item[keyPath: key])
            if let group = groups[slot] {
                self.places[group].append(index)
            } else {
                groups[slot] = slots.count
                slots.append(slot)
                self.places.append([index])
            }
        }
        self.commands = zip(slots, self.places).map { slot, places in
            RedisCommand(arguments(places.map { items[$0] }), slot: slot, isRepeatable: isRepeatable)
        }
    }
}

// MARK: Commands

extension RequestPlan {
    private static func each(_ command: String, _ keys: [ByteBuffer]) -> [RedisCommand.Argument] {
        keys.count == 1 ? [.text(command), .bytes(keys[0])] : self.run(Script.each, keys, [.text(command)])
    }

    private static func set(_ items: [StorageItem]) -> [RedisCommand.Argument] {
        if items.count == 1 {
            return ["SET"] + items.flatMap { [.bytes($0.key), .bytes($0.value)] + self.expiry($0.expiry) }
        }
        if items.allSatisfy({ $0.expiry == nil }) {
            return ["MSET"] + items.flatMap { [.bytes($0.key), .bytes($0.value)] }
        }
        return self.run(Script.set, items.map(\.key), items.flatMap { [.bytes($0.value), self.time($0.expiry)] })
    }

    private static func add(_ items: [StorageItem]) -> [RedisCommand.Argument] {
        if items.count == 1 {
            return ["SET"] + items.flatMap { [.bytes($0.key), .bytes($0.value), "NX"] + self.expiry($0.expiry) }
        }
        return self.run(Script.add, items.map(\.key), items.flatMap { [.bytes($0.value), self.time($0.expiry)] })
    }

    private static func increment(_ increments: [StorageIncrement]) -> [RedisCommand.Argument] {
        if increments.count == 1, increments[0].expiry == nil {
            return ["INCRBY", .bytes(increments[0].key), .number(increments[0].amount)]
        }
        return self.run(
            Script.increment, increments.map(\.key),
            increments.flatMap { [.number($0.amount), self.time($0.expiry)] })
    }

    private static func expire(_ expiries: [StorageExpiry]) -> [RedisCommand.Argument] {
        if expiries.count == 1 {
            return ["PEXPIREAT", .bytes(expiries[0].key), self.time(expiries[0].expiry)]
        }
        return self.run(Script.expire, expiries.map(\.key), expiries.map { self.time($0.expiry) })
    }

    private static func run(
        _ script: String, _ keys: [ByteBuffer], _ arguments: [RedisCommand.Argument]
    ) -> [RedisCommand.Argument] {
        ["EVAL", .text(script), .number(keys.count)] + keys.map { .bytes($0) } + arguments
    }

    private static func expiry(_ expiry: UnixMilliseconds?) -> [RedisCommand.Argument] {
        expiry == nil ? [] : ["PXAT", self.time(expiry)]
    }

    /// Redis refuses times before 1970; any time that has passed does the same.
    private static func time(_ expiry: UnixMilliseconds?) -> RedisCommand.Argument {
        expiry.map { .number(max($0, 1)) } ?? ""
    }
}

// MARK: Answers

extension RequestPlan {
    func answer(_ results: RedisClient.Results) throws(StorageError) -> StorageAnswer {
        var values: [RESPValue] = []
        for result in results {
            do {
                values.append(try result.get())
            } catch {
                throw Self.failure(error)
            }
        }
        switch self.kind {
        case .set, .expire, .delete, .clear: return .done
        case .has: return .existence(try self.elements(values, missing: false, Self.flag))
        case .add: return .added(try self.elements(values, missing: false, Self.flag))
        case .get: return .values(try self.elements(values, missing: nil, Self.value))
        case .timeToLive: return .expiries(try self.elements(values, missing: .absent, Self.expiry))
        case .increment: return .numbers(try self.elements(values, missing: 0, Self.number))
        }
    }

    /// The elements of all replies, each in its item's place.
    private func elements<Element>(
        _ replies: [RESPValue], missing: Element, _ read: (RESPValue) -> Element?
    ) throws(StorageError) -> [Element] {
        var elements = Array(repeating: missing, count: self.count)
        for (reply, places) in zip(replies, self.places) {
            // A command for one item replies without a list.
            let list = reply.list ?? [reply]
            guard list.count == places.count else { throw Self.unexpected }
            for (value, place) in zip(list, places) {
                guard let element = read(value) else { throw Self.unexpected }
                elements[place] = element
            }
        }
        return elements
    }

    private static let unexpected = StorageError("redis: the server's reply makes no sense")

    private static func flag(_ value: RESPValue) -> Bool? {
        switch value {
        case .integer(let number): number != 0
        case .null: false
        case .text: true
        case .error, .bulk, .array, .push: nil
        }
    }

    private static func value(_ value: RESPValue) -> StoredValue?? {
        switch value {
        case .bulk(let bytes): .some(StoredValue(bytes))
        case .null: .some(nil)
        case .text, .error, .integer, .array, .push: nil
        }
    }

    private static func expiry(_ value: RESPValue) -> KeyExpiry? {
        switch value.number {
        case -2: .absent
        case -1: .never
        case let time?: .at(time)
        case nil: nil
        }
    }

    private static func number(_ value: RESPValue) -> Int64? {
        value.number ?? value.string.flatMap { StoredInteger.parse($0.utf8) }
    }

    private static func failure(_ error: RedisError) -> StorageError {
        switch error.kind {
        case .closed: return .closed
        case .network, .overload: return StorageError(error.text)
        case .reply: break
        }
        if error.text.contains("value is not an integer") { return .notAnInteger }
        if error.text.contains("increment or decrement would overflow") { return .integerOverflow }
        // What follows is the caller's.
        let text = error.text.split(separator: ", with args beginning with", maxSplits: 1).first ?? ""
        return StorageError(String(text))
    }
}
