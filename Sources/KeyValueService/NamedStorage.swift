import KeyValue
import NIOCore
import RPC
import Synchronization

/// A storage under its name, with its counts.
final class NamedStorage: Sendable {
    let name: String
    let storage: any Storage
    /// The storage itself, if it is one in memory.
    private let memory: MemoryStorage?
    /// Lower case.
    private let nameBytes: [UInt8]
    /// In the order of the methods.
    private let calls: [RPCMethodCounts]
    private let hits = Atomic<Int>(0)
    private let misses = Atomic<Int>(0)

    init(_ name: String, _ storage: any Storage) {
        self.name = name
        self.storage = storage
        self.memory = storage as? MemoryStorage
        self.nameBytes = Array(name.lowercased().utf8)
        self.calls = KeyValueMethod.allCases.map { _ in RPCMethodCounts() }
    }

    /// Names are lower case in RoadRunner's configuration, so PHP has to ask for them in lower case there; here in any.
    func isNamed(_ name: UnsafeRawBufferPointer) -> Bool {
        if name.count == self.nameBytes.count,
            name.indices.allSatisfy({ Self.lowercase(name[$0]) == self.nameBytes[$0] })
        {
            return true
        }
        guard name.contains(where: { $0 >= 0x80 }) else { return false }
        return Array(String(decoding: name, as: UTF8.self).lowercased().utf8) == self.nameBytes
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    func perform(
        _ method: KeyValueMethod,
        _ items: [KeyValueArgument.Item],
        _ complete: @escaping @Sendable (Result<KeyValueResult, RPCError>) -> Void
    ) {
        let start = NIODeadline.now()
        let calls = self.calls[method.rawValue]
        do throws(RPCError) {
            let request = try StorageRequest(method, items, self.storage.driver)
            self.storage.perform(request) { result in
                switch result {
                case .success(let answer) where answer.byteCount <= StorageAnswer.byteLimit:
                    self.count(answer)
                    calls.count(isError: false, time: .now() - start)
                    complete(.success(KeyValueResult(answer, to: items)))
                case .success: self.fail(method, .answerTooLarge, start, complete)
                case .failure(let error): self.fail(method, error, start, complete)
                }
            }
        } catch {
            calls.count(isError: true, time: .now() - start)
            complete(.failure(error))
        }
    }

    private func fail(
        _ method: KeyValueMethod, _ error: StorageError, _ start: NIODeadline,
        _ complete: (Result<KeyValueResult, RPCError>) -> Void
    ) {
        self.calls[method.rawValue].count(isError: true, time: .now() - start)
        let operation = self.storage.driver.operation(method.kind)
        complete(.failure(RPCError("\(method.operation):\n\t\(operation): \(error.text)")))
    }

    /// Gets or sets one item in memory.
    ///
    /// - Returns: `nil` if that is left to ``perform(_:_:_:)``.
    func performAtOnce(_ method: KeyValueMethod, _ item: SingleItem) -> ByteBuffer? {
        guard let memory = self.memory else { return nil }
        let start = NIODeadline.now()
        let result: ByteBuffer?
        switch method {
        case .get:
            do {
                if let value = try memory.value(of: item.key) {
                    self.hits.wrappingAdd(1, ordering: .relaxed)
                    result = KeyValueResult.proto(key: item.key, value)
                } else {
                    self.misses.wrappingAdd(1, ordering: .relaxed)
                    result = ByteBuffer()
                }
            } catch {
                return nil
            }
        case .set:
            var expiry: UnixMilliseconds?
            if !item.timeout.isEmpty {
                guard case .success(let time) = GoTime.parse(item.timeout) else { return nil }
                expiry = time
            }
            result = (try? memory.set(item.key, to: item.value, expiry: expiry)) == true ? ByteBuffer() : nil
        default: result = nil
        }
        if result != nil {
            self.calls[method.rawValue].count(isError: false, time: .now() - start)
        }
        return result
    }

    private func count(_ answer: StorageAnswer) {
        guard case .values(let values) = answer else { return }
        let found = values.count { $0 != nil }
        self.hits.wrappingAdd(found, ordering: .relaxed)
        self.misses.wrappingAdd(values.count - found, ordering: .relaxed)
    }

    var counts: KeyValueCounts {
        KeyValueCounts(
            storage: self.name,
            measures: self.storage.measures,
            hits: self.hits.load(ordering: .relaxed),
            misses: self.misses.load(ordering: .relaxed),
            methods: zip(KeyValueMethod.allCases, self.calls).map { KeyValueCounts.Method($0, $1) }
        )
    }
}
