import KeyValue
import NIOCore
import RPC

/// The service `kv`: RoadRunner's methods on storages, and two of our own, `Add` and `Incr`.
package struct KeyValueService: Sendable {
    private let storages: [NamedStorage]

    /// - Parameter storages: By name. The service neither opens nor closes them.
    package init(_ storages: [(name: String, storage: any Storage)]) {
        self.storages = storages.map { NamedStorage($0.name, $0.storage) }
    }

    package var rpc: RPCService {
        var methods: [String: RPCMethod] = [:]
        for method in KeyValueMethod.allCases {
            methods[method.name] = .deferred { call, reply in
                self.perform(method, call, reply)
            }
        }
        return RPCService("kv", methods)
    }

    package var counts: [KeyValueCounts] {
        self.storages.map(\.counts)
    }

    private func perform(_ method: KeyValueMethod, _ call: RPCCall, _ reply: RPCReply) {
        if call.codec == .proto, let result = self.performAtOnce(method, call.argument) {
            return reply.complete(.success(result))
        }
        do throws(RPCError) {
            let argument = try KeyValueArgument(call)
            let storage = try self.storage(argument.storage, method)
            storage.perform(method, argument.items) { [codec = call.codec] result in
                reply.complete(result.map { $0.encode(codec) })
            }
        } catch {
            reply.complete(.failure(error))
        }
    }

    /// The shortest way, of nearly all calls: one item of a storage in memory.
    private func performAtOnce(_ method: KeyValueMethod, _ argument: ByteBuffer) -> ByteBuffer? {
        guard method == .get || method == .set else { return nil }
        return argument.withUnsafeReadableBytes { bytes in
            guard let item = SingleItem(bytes) else { return nil }
            return self.storage(item.storage)?.performAtOnce(method, item)
        }
    }

    private func storage(_ name: UnsafeRawBufferPointer) -> NamedStorage? {
        for storage in self.storages where storage.isNamed(name) {
            return storage
        }
        return nil
    }

    private func storage(_ name: ByteBuffer, _ method: KeyValueMethod) throws(RPCError) -> NamedStorage {
        if let storage = name.withUnsafeReadableBytes({ self.storage($0) }) {
            return storage
        }
        guard name.readableBytes > 0 || method == .set else {
            throw RPCError("\(method.operation): no storage provided")
        }
        throw RPCError("\(method.operation): no such storage: \(String(buffer: name).prefix(256))")
    }
}
