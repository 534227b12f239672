import Dispatch
import Foundation
import NIOCore
import NIOPosix
import RPC
import Synchronization
import TestSupport
import Testing

@testable import Locks

/// Sixteen clients at once.
@Suite struct LockHistoryTests {
    private static let clients = 16
    private let service = LockService(loop: MultiThreadedEventLoopGroup.singleton.next())

    private enum Method: String, CaseIterable {
        case lock = "Lock"
        case lockRead = "LockRead"
        case release = "Release"
        case exists = "Exists"
    }

    /// One call, and when it was made and answered by a clock that all share.
    private struct Operation {
        var client: Int
        var method: Method
        var start: Int
        var end: Int
        var isOK: Bool
    }

    /// One lock without time: what every history must be explained by.
    private struct State: Hashable {
        var writer: Int?
        var readers: Set<Int> = []

        mutating func perform(_ method: Method, _ client: Int) -> Bool {
            switch method {
            case .lock:
                guard self.writer == nil, self.readers.isEmpty || self.readers == [client] else { return false }
                self = State(writer: client)
            case .lockRead:
                guard self.writer == nil else { return false }
                self.readers.insert(client)
            case .release:
                if self.writer == client {
                    self.writer = nil
                } else {
                    return self.readers.remove(client) != nil
                }
            case .exists:
                return self.writer == client || self.readers.contains(client)
            }
            return true
        }
    }

    private func call(_ method: Method, _ client: Int, wait: Int64 = 0) -> Bool {
        let argument = ByteBuffer(string: #"{"resource":"r","id":"\#(client)","wait":\#(wait)}"#)
        let call = RPCCall(codec: .json, argument: argument)
        let answer = Mutex<Result<ByteBuffer, RPCError>?>(nil)
        switch self.service.rpc.methods[method.rawValue] {
        case .immediate(let body):
            answer.withLock { $0 = Result { () throws(RPCError) in try body(call) } }
        case .deferred(let body):
            let answered = DispatchSemaphore(value: 0)
            body(
                call,
                RPCReply { result in
                    answer.withLock { $0 = result }
                    answered.signal()
                })
            answered.wait()
        case nil:
            Issue.record("no method \(method)")
        }
        return answer.withLock { $0 } == .success(ByteBuffer(string: #"{"ok":true}"#))
    }

    /// Runs a body for each client on a thread of its own, all at once.
    private func together(_ body: @escaping @Sendable (Int) -> Void) {
        let done = DispatchGroup()
        for client in 0..<Self.clients {
            done.enter()
            Thread {
                body(client)
                done.leave()
            }.start()
        }
        done.wait()
    }

    /// Wing and Gong's search with a memory: some order of the operations, each between its start and its end, gives the
    /// answers that were given.
    private func isLinearizable(_ operations: [Operation], from start: State) -> Bool {
        struct Point: Hashable {
            var rest: UInt64
            var state: State
        }
        var seen: Set<Point> = []
        func search(_ rest: UInt64, _ state: State) -> Bool {
            guard rest != 0 else { return true }
            guard seen.insert(Point(rest: rest, state: state)).inserted else { return false }
            let left = operations.indices.filter { rest & 1 << UInt64($0) != 0 }
            let firstEnd = left.map { operations[$0].end }.min() ?? 0
            for index in left where operations[index].start < firstEnd {
                var next = state
                let operation = operations[index]
                guard next.perform(operation.method, operation.client) == operation.isOK else { continue }
                if search(rest & ~(1 << UInt64(index)), next) { return true }
            }
            return false
        }
        return search(operations.count == 64 ? .max : 1 << UInt64(operations.count) - 1, start)
    }

    @Test func everyHistoryHasAnOrder() {
        let clock = Atomic(0)
        for round in 0..<60 {
            let history = Mutex<[Operation]>([])
            self.together { client in
                var random = SeededGenerator(seed: UInt64(round * Self.clients + client))
                for _ in 0..<4 {
                    let method = random.chance(30) ? .release : Method.allCases[random.pick(0...3)]
                    let start = clock.add(1, ordering: .sequentiallyConsistent).newValue
                    let isOK = self.call(method, client)
                    let end = clock.add(1, ordering: .sequentiallyConsistent).newValue
                    let operation = Operation(client: client, method: method, start: start, end: end, isOK: isOK)
                    history.withLock { $0.append(operation) }
                }
            }
            let operations = history.withLock { $0 }
            #expect(operations.count == 64)
            #expect(self.isLinearizable(operations, from: State()), "round \(round): \(operations)")
            // The next round starts without locks.
            for client in 0..<Self.clients { _ = self.call(.release, client) }
        }
    }

    /// The checker itself finds two writers at once.
    @Test func aHistoryWithoutAnOrderIsFound() {
        let operations = [
            Operation(client: 0, method: .lock, start: 1, end: 2, isOK: true),
            Operation(client: 1, method: .lock, start: 3, end: 4, isOK: true),
            Operation(client: 0, method: .release, start: 5, end: 6, isOK: true),
        ]
        #expect(!self.isLinearizable(operations, from: State()))
        #expect(self.isLinearizable([operations[0], operations[2]], from: State()))
    }

    /// Clients that wait for each other: a writer is alone, and nobody waits for ever.
    @Test func aWriterIsAloneAmongSixteen() {
        let inside = Mutex((writers: 0, readers: 0))
        let entered = Atomic(0)
        self.together { client in
            var random = SeededGenerator(seed: UInt64(client))
            for _ in 0..<200 {
                let isWriter = random.chance(50)
                guard self.call(isWriter ? .lock : .lockRead, client, wait: 600_000_000) else {
                    Issue.record("client \(client) did not get the lock")
                    return
                }
                inside.withLock {
                    if isWriter { $0.writers += 1 } else { $0.readers += 1 }
                    if $0.writers > 1 || ($0.writers == 1 && $0.readers > 0) { Issue.record("a writer is not alone") }
                }
                entered.add(1, ordering: .relaxed)
                inside.withLock { if isWriter { $0.writers -= 1 } else { $0.readers -= 1 } }
                if !self.call(.release, client) {
                    Issue.record("client \(client) has lost its lock")
                }
            }
        }
        #expect(entered.load(ordering: .relaxed) == Self.clients * 200)
        #expect(self.service.counts == LockCounts())
    }
}
