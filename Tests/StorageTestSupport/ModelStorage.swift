import KeyValue
import NIOCore

/// What every storage has to do, as a dictionary.
package struct ModelStorage {
    private struct Entry {
        var value: [UInt8]
        var expiry: UnixMilliseconds?
    }

    private var entries: [[UInt8]: Entry] = [:]

    package init() {}

    /// Keys that exist at a time.
    package func count(at now: UnixMilliseconds) -> Int {
        self.entries.values.count { ($0.expiry ?? .max) > now }
    }

    package mutating func perform(_ request: StorageRequest, at now: UnixMilliseconds) -> PlainAnswer {
        self.entries = self.entries.filter { ($0.value.expiry ?? .max) > now }
        switch request {
        case .has(let keys): return .existence(keys.map { self[$0] != nil })
        case .get(let keys): return .values(keys.map { self[$0]?.value })
        case .timeToLive(let keys):
            return .expiries(keys.map { key in self[key].map { $0.expiry.map(KeyExpiry.at) ?? .never } ?? .absent })
        case .set(let items):
            for item in items { self.set(item, now) }
            return .done
        case .add(let items):
            return .added(
                items.map { item in
                    guard self[item.key] == nil else { return false }
                    self.set(item, now)
                    return true
                })
        case .increment(let increments): return self.increment(increments, now)
        case .expire(let expiries):
            for item in expiries where self[item.key] != nil {
                self[item.key]?.expiry = item.expiry
                if item.expiry <= now { self[item.key] = nil }
            }
            return .done
        case .delete(let keys):
            for key in keys { self[key] = nil }
            return .done
        case .clear:
            self.entries = [:]
            return .done
        }
    }

    private mutating func increment(_ increments: [StorageIncrement], _ now: UnixMilliseconds) -> PlainAnswer {
        let before = self.entries
        var numbers: [Int64] = []
        for increment in increments {
            let entry = self[increment.key]
            guard let old = entry.map({ StoredInteger.parse($0.value) }) ?? 0 else {
                self.entries = before
                return .failed(.notAnInteger)
            }
            let (number, overflow) = old.addingReportingOverflow(increment.amount)
            guard !overflow else {
                self.entries = before
                return .failed(.integerOverflow)
            }
            let expiry = entry == nil ? increment.expiry : entry?.expiry
            let value = ByteBuffer(string: String(number))
            self.set(StorageItem(key: increment.key, value: value, expiry: expiry), now)
            numbers.append(number)
        }
        return .numbers(numbers)
    }

    private mutating func set(_ item: StorageItem, _ now: UnixMilliseconds) {
        let entry = Entry(value: Array(item.value.readableBytesView), expiry: item.expiry)
        self[item.key] = (item.expiry ?? .max) > now ? entry : nil
    }

    private subscript(key: ByteBuffer) -> Entry? {
        get { self.entries[Array(key.readableBytesView)] }
        set { self.entries[Array(key.readableBytesView)] = newValue }
    }
}
