import JSON
import KeyValue
import KeyValueService
import NIOCore
import RPC
import StorageTestSupport
import Synchronization

/// Calls the service as a client does: with bytes.
struct ServiceCaller {
    let clock = ManualClock()
    let storage: MemoryStorage
    let service: KeyValueService

    /// - Parameter isHidden: Whether the service does not see what kind of storage it has.
    init(_ name: String = "users", limits: MemoryLimits = MemoryLimits(), isHidden: Bool = false) {
        self.storage = MemoryStorage(limits: limits, now: self.clock.now)
        let storage: any Storage = isHidden ? HiddenStorage(storage: self.storage) : self.storage
        self.service = KeyValueService([(name, storage)])
    }

    /// - Returns: The result's bytes; storages in memory reply before the call returns.
    func call(_ method: String, _ codec: RPCCodec, _ argument: ByteBuffer) -> Result<[UInt8], RPCError> {
        guard case .deferred(let run) = self.service.rpc.methods[method] else { return .failure(RPCError("no method")) }
        let replied = Mutex<Result<[UInt8], RPCError>?>(nil)
        run(
            RPCCall(codec: codec, argument: argument),
            RPCReply { result in replied.withLock { $0 = result.map { Array($0.readableBytesView) } } })
        return replied.withLock { $0 } ?? .failure(RPCError("no reply"))
    }

    /// A call whose argument is JSON, and whose result's text is returned, or the error's.
    func json(_ method: String, _ argument: String) -> String {
        switch self.call(method, .json, ByteBuffer(string: argument)) {
        case .success(let bytes): String(decoding: bytes, as: UTF8.self)
        case .failure(let error): error.text
        }
    }

    /// A call with one item in protobuf.
    func proto(
        _ method: String, storage: String = "users", _ items: [(key: String, value: String, timeout: String)]
    ) -> Result<[UInt8], RPCError> {
        self.call(method, .proto, ByteBuffer(bytes: Self.argument(storage, items)))
    }

    static func argument(_ storage: String, _ items: [(key: String, value: String, timeout: String)]) -> [UInt8] {
        var argument = ByteBuffer()
        argument.writeProtobuf(storage, field: 1)
        for item in items {
            var message = ByteBuffer()
            message.writeProtobuf(item.key, field: 1)
            message.writeProtobuf(item.value, field: 2)
            message.writeProtobuf(item.timeout, field: 3)
            argument.writeProtobufMessageHeader(length: message.readableBytes, field: 2)
            argument.writeBuffer(&message)
        }
        return Array(argument.readableBytesView)
    }

    func text(_ method: String, storage: String = "users", key: String, timeout: String = "") -> String {
        switch self.proto(method, storage: storage, [(key, "", timeout)]) {
        case .success: "a result"
        case .failure(let error): error.text
        }
    }
}

func hexadecimal(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

private struct HiddenStorage: Storage {
    let storage: MemoryStorage

    var driver: StorageDriver { self.storage.driver }
    var measures: StorageMeasures { self.storage.measures }

    func perform(_ request: StorageRequest, _ completion: @escaping StorageCompletion) {
        self.storage.perform(request, completion)
    }

    func close() async {
        await self.storage.close()
    }
}
