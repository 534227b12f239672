import KeyValue
import NIOCore

/// An answer that can be compared.
package enum PlainAnswer: Sendable, Hashable {
    case done
    case existence([Bool])
    case values([[UInt8]?])
    case expiries([KeyExpiry])
    case added([Bool])
    case numbers([Int64])
    case failed(StorageError)

    package init(_ result: Result<StorageAnswer, StorageError>) {
        switch result {
        case .success(.done): self = .done
        case .success(.existence(let list)): self = .existence(list)
        case .success(.values(let list)): self = .values(list.map { $0?.bytes })
        case .success(.expiries(let list)): self = .expiries(list)
        case .success(.added(let list)): self = .added(list)
        case .success(.numbers(let list)): self = .numbers(list)
        case .failure(let error): self = .failed(error)
        }
    }
}

extension StoredValue {
    package var bytes: [UInt8] {
        var buffer = ByteBuffer()
        self.write(to: &buffer)
        return Array(buffer.readableBytesView)
    }
}

extension Storage {
    /// Performs a request and waits for its completion.
    package func ask(_ request: StorageRequest) async -> PlainAnswer {
        await withCheckedContinuation { continuation in
            self.perform(request) { continuation.resume(returning: PlainAnswer($0)) }
        }
    }
}
