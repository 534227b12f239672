import KeyValue
import NIOCore
import RPC

extension StorageRequest {
    /// What a call asks its storage for: the whole of it is checked before any takes effect.
    init(_ method: KeyValueMethod, _ items: [KeyValueArgument.Item], _ driver: StorageDriver) throws(RPCError) {
        switch method {
        case .has: self = .has(try Self.keys(items, method, driver))
        case .get: self = .get(try Self.keys(items, method, driver))
        case .timeToLive: self = .timeToLive(try Self.keys(items, method, driver))
        case .delete: self = .delete(try Self.keys(items, method, driver))
        case .set: self = .set(try Self.items(items, method))
        case .add: self = .add(try Self.items(items, method))
        case .increment: self = .increment(try Self.increments(items, method))
        case .expire: self = .expire(try Self.expiries(items, method, driver))
        case .clear: self = .clear
        }
    }

    private static func keys(
        _ items: [KeyValueArgument.Item], _ method: KeyValueMethod, _ driver: StorageDriver
    ) throws(RPCError) -> [ByteBuffer] {
        var keys: [ByteBuffer] = []
        keys.reserveCapacity(items.count)
        for item in items {
            guard !item.key.isBlank else {
                let operation = driver.operation(method.kind)
                throw RPCError("\(method.operation): key can't be empty string:\n\t\(operation)")
            }
            keys.append(item.key)
        }
        return keys
    }

    private static func items(
        _ items: [KeyValueArgument.Item], _ method: KeyValueMethod
    ) throws(RPCError) -> [StorageItem] {
        var list: [StorageItem] = []
        list.reserveCapacity(items.count)
        for item in items {
            let expiry = try self.expiry(item, method)
            list.append(StorageItem(key: item.key, value: item.value, expiry: expiry))
        }
        return list
    }

    private static func increments(
        _ items: [KeyValueArgument.Item], _ method: KeyValueMethod
    ) throws(RPCError) -> [StorageIncrement] {
        var list: [StorageIncrement] = []
        list.reserveCapacity(items.count)
        for item in items {
            // Without a value it is one more.
            let amount = item.value.readableBytes > 0 ? StoredInteger.parse(item.value.readableBytesView) : 1
            guard let amount else {
                throw RPCError(
                    "\(method.operation): the value, which is what to add, is not a decimal integer of 64 bits")
            }
            list.append(StorageIncrement(key: item.key, by: amount, expiry: try self.expiry(item, method)))
        }
        return list
    }

    private static func expiries(
        _ items: [KeyValueArgument.Item], _ method: KeyValueMethod, _ driver: StorageDriver
    ) throws(RPCError) -> [StorageExpiry] {
        var list: [StorageExpiry] = []
        list.reserveCapacity(items.count)
        for item in items {
            guard !item.key.isBlank, let expiry = try self.expiry(item, method) else {
                let text =
                    driver == .memory
                    ? "timeout for MExpire is empty or key is empty" : "should set timeout and at least one key"
                throw RPCError("\(method.operation):\n\t\(driver.operation(method.kind)): \(text)")
            }
            list.append(StorageExpiry(key: item.key, at: expiry))
        }
        return list
    }

    private static func expiry(
        _ item: KeyValueArgument.Item, _ method: KeyValueMethod
    ) throws(RPCError) -> UnixMilliseconds? {
        guard item.timeout.readableBytes > 0 else { return nil }
        do {
            return try GoTime.parse(item.timeout)
        } catch {
            throw RPCError("\(method.operation): \(error.text)")
        }
    }
}

extension ByteBuffer {
    /// Whether there is nothing but white space, by Go's `strings.TrimSpace`.
    fileprivate var isBlank: Bool {
        guard let first = self.readableBytesView.first else { return true }
        // Most keys begin with a letter.
        if first > 0x20, first < 0x80 { return false }
        return String(buffer: self).unicodeScalars.allSatisfy(\.properties.isWhitespace)
    }
}
