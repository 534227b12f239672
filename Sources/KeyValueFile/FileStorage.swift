import Dispatch
import KeyValue
import NIOCore
import Synchronization

/// A storage in one SQLite file, which outlives the server: what RoadRunner's `boltdb` is.
///
/// Requests are performed on a thread of the storage. All that wait are one transaction, so that they wait for the disk
/// once; each takes effect as a whole, and is answered after the transaction.
package final class FileStorage: Storage {
    private struct Waiting: Sendable {
        let request: StorageRequest
        let completion: StorageCompletion
    }

    private enum State {
        case idle
        /// The thread takes these next.
        case running([Waiting])
        /// The thread performs these, then calls the body.
        case closing([Waiting], then: @Sendable () -> Void)
        case closed
    }

    /// The most requests that wait. RPC's own limits are lower, unless there are very many connections.
    private static let limit = 100_000

    private let state = Mutex<State>(.idle)
    private let queue: DispatchQueue
    /// Used on the queue alone.
    private let worker: FileStorageWorker
    private let sweeper = Mutex<Task<Void, Never>?>(nil)

    /// Opens the file, or makes it. This blocks.
    ///
    /// - Throws: `FileStorageError`.
    package init(
        _ configuration: FileStorageConfiguration,
        now: @escaping @Sendable () -> UnixMilliseconds = UnixClock.now
    ) throws {
        self.worker = try FileStorageWorker(configuration, now: now)
        // A serial queue gets a thread however many are blocked.
        self.queue = DispatchQueue(label: "kv file")
    }

    package var driver: StorageDriver { .boltdb }
    package var measures: StorageMeasures { self.worker.measures }

    package func perform(_ request: StorageRequest, _ completion: @escaping StorageCompletion) {
        enum Decision {
            case start, wait
            case fail(StorageError)
        }
        let waiting = Waiting(request: request, completion: completion)
        let decision: Decision = self.state.withLock { state in
            switch state {
            case .idle:
                state = .running([waiting])
                return .start
            case .running(var list):
                guard list.count < Self.limit else { return .fail(StorageError("too many calls wait for the disk")) }
                // So that the list is not copied.
                state = .idle
                list.append(waiting)
                state = .running(list)
                return .wait
            case .closing, .closed: return .fail(.closed)
            }
        }
        switch decision {
        case .start: self.queue.async { self.work() }
        case .wait: break
        case .fail(let error): completion(.failure(error))
        }
    }

    /// Starts to remove keys in the background whose time has passed; until ``close()``.
    package func startSweeping(every interval: Duration) {
        self.sweeper.withLock { task in
            guard task == nil else { return }
            task = Task { [weak self] in
                while (try? await Task.sleep(for: interval)) != nil {
                    await self?.sweep()
                }
            }
        }
    }

    /// Removes all keys whose time has passed, in many small transactions, between which requests are performed.
    package func sweep() async {
        var isMore = true
        while isMore, !Task.isCancelled {
            isMore = await withCheckedContinuation { continuation in
                self.queue.async { continuation.resume(returning: self.worker.sweep()) }
            }
        }
    }

    /// Performs what waits, and closes the file.
    package func close() async {
        let task = self.sweeper.withLock { $0 }
        task?.cancel()
        await task?.value
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let finish: @Sendable () -> Void = { continuation.resume() }
            let isIdle: Bool? = self.state.withLock { state in
                switch state {
                case .idle:
                    state = .closing([], then: finish)
                    return true
                case .running(let list):
                    state = .closing(list, then: finish)
                    return false
                case .closing, .closed: return nil
                }
            }
            switch isIdle {
            case true?: self.queue.async { self.work() }
            case false?: break
            case nil: finish()
            }
        }
    }

    private func work() {
        while true {
            let (list, finish): ([Waiting]?, (@Sendable () -> Void)?) = self.state.withLock { state in
                switch state {
                case .running(let list) where list.isEmpty:
                    state = .idle
                    return (nil, nil)
                case .running(let list):
                    state = .running([])
                    return (list, nil)
                case .closing(let list, let finish):
                    state = .closed
                    return (list, finish)
                case .idle, .closed: return (nil, nil)
                }
            }
            guard let list else { return }
            var rest = list.map(\.request)[...]
            while !rest.isEmpty {
                let results = self.worker.perform(rest)
                for (waiting, result) in zip(list[rest.startIndex...], results) {
                    waiting.completion(result)
                }
                rest = rest.dropFirst(results.count)
            }
            if let finish {
                self.worker.close()
                return finish()
            }
        }
    }
}
