import KeyValue
import NIOCore

/// Clients that use one storage at the same time, and whether what they were answered could have happened one by one.
package enum StorageHammer {
    package enum Operation: Sendable {
        case increment(by: Int64, answer: Int64)
        case add(Bool)
        case get(Int64?)
        case delete
    }

    /// Clients add to one number, read it, add it if absent and delete it.
    package static func history(
        of storage: some Storage, key: ByteBuffer, clients: Int, operations: Int
    ) async -> History<Operation> {
        let recorder = History<Operation>.Recorder()
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    for number in 0..<operations {
                        await recorder.record { await self.perform(number &* 7 &+ client, on: storage, key: key) }
                    }
                }
            }
        }
        return recorder.history
    }

    private static func perform(_ choice: Int, on storage: some Storage, key: ByteBuffer) async -> Operation {
        switch choice % 8 {
        case 0:
            guard case .added(let added) = await storage.ask(.add([Self.zero(key)])) else { return .get(.min) }
            return .add(added == [true])
        case 1:
            guard await storage.ask(.delete([key])) == .done else { return .get(.min) }
            return .delete
        case 2:
            guard case .values(let values) = await storage.ask(.get([key])) else { return .get(.min) }
            return .get(values[0].flatMap { StoredInteger.parse($0) })
        default:
            let amount = Int64(choice % 5 + 1)
            let answer = await storage.ask(.increment([StorageIncrement(key: key, by: amount)]))
            guard case .numbers(let numbers) = answer else { return .get(.min) }
            return .increment(by: amount, answer: numbers[0])
        }
    }

    private static func zero(_ key: ByteBuffer) -> StorageItem {
        StorageItem(key: key, value: ByteBuffer(string: "0"))
    }
}

extension History<StorageHammer.Operation> {
    package var isLinearizable: Bool {
        // The state is the number, or nothing.
        self.isLinearizable(from: Optional<Int64>.none) { state, operation in
            switch operation {
            case .increment(let amount, let answer):
                return (state ?? 0) + amount == answer ? .some(.some(answer)) : nil
            case .add(let added):
                return added == (state == nil) ? .some(state ?? 0) : nil
            case .get(let number):
                return number == state ? .some(state) : nil
            case .delete:
                return .some(nil)
            }
        }
    }
}
