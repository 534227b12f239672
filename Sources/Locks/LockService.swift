import NIOCore
import RPC
import Synchronization

/// The locks of this server, as the RPC service `lock`. In memory: they end with the process, and a worker's end leaves
/// its locks to their time.
package final class LockService: Sendable {
    /// The most memory of locks and of requests that wait, roughly, in bytes: 900,000 of them with short names.
    private static let mostBytes = 256 << 20
    /// The longest that the timer is set for, in microseconds: dates of the event loop must not overflow.
    private static let longestRest: Int64 = 3600 * 1_000_000

    fileprivate struct State {
        var table: LockTable
        var waiting: [ClaimNumber: (reply: RPCReply, codec: RPCCodec)] = [:]
        /// The moment that the timer is set for.
        var alarm: Int64?
        var timer: Scheduled<Void>?
    }

    private let loop: any EventLoop
    private let state: Mutex<State>

    /// - Parameter loop: Has the one timer for all locks.
    package convenience init(loop: any EventLoop) {
        self.init(loop: loop, mostBytes: Self.mostBytes)
    }

    init(loop: any EventLoop, mostBytes: Int) {
        self.loop = loop
        self.state = Mutex(State(table: LockTable(mostBytes: mostBytes)))
    }

    package var counts: LockCounts {
        self.state.withLock { $0.table.counts }
    }

    package var rpc: RPCService {
        RPCService(
            "lock",
            [
                "Lock": .deferred { self.lock(.exclusive, $0, $1) },
                "LockRead": .deferred { self.lock(.shared, $0, $1) },
                "Release": self.method { table, request, now in
                    table.release(request.resource, owner: request.id, at: now)
                },
                "ForceRelease": self.method(needsID: false) { table, request, now in
                    table.releaseAll(request.resource, at: now)
                },
                "Exists": self.method { table, request, now in
                    table.isLocked(request.resource, owner: request.id == "*" ? nil : request.id, at: now)
                },
                "UpdateTTL": self.method { table, request, now in
                    table.setTTL(request.resource, owner: request.id, ttl: request.ttl, at: now)
                },
            ]
        )
    }

    private func lock(_ mode: LockMode, _ call: RPCCall, _ reply: RPCReply) {
        let request: LockRequest
        do throws(RPCError) {
            request = try LockRequest(call)
            try request.requireID()
        } catch {
            return reply.complete(.failure(error))
        }
        let outcome = self.decide { state, now in
            let outcome = state.table.lock(
                request.resource, mode, owner: request.id, ttl: request.ttl, wait: request.wait, at: now)
            if case .waits(let number) = outcome {
                state.waiting[number] = (reply, call.codec)
            }
            return outcome
        }
        switch outcome {
        case .answered(let isGranted):
            reply.complete(.success(LockResponse.encode(isGranted, call.codec)))
        case .refused:
            reply.complete(.failure(RPCError("there are too many locks")))
        case .waits(let number):
            reply.onAbandoned { [weak self] in self?.abandon(number) }
        }
    }

    private func abandon(_ number: ClaimNumber) {
        self.decide { state, now in
            state.waiting[number] = nil
            state.table.abandon(number, at: now)
        }
    }

    private func method(
        needsID: Bool = true, _ body: @escaping @Sendable (inout LockTable, LockRequest, Int64) -> Bool
    ) -> RPCMethod {
        .immediate { call throws(RPCError) in
            let request = try LockRequest(call)
            if needsID {
                try request.requireID()
            }
            return LockResponse.encode(self.decide { body(&$0.table, request, $1) }, call.codec)
        }
    }
}

extension LockService {
    /// Changes the locks, then answers those whose wait this has ended.
    @discardableResult
    private func decide<Result: Sendable>(_ body: (inout State, _ now: Int64) -> Result) -> Result {
        let now = self.loop.now.microseconds
        let (result, answers, isLate) = self.state.withLock { state in
            let result = body(&state, now)
            let answers = state.table.takeAnswers().map { ($0.isGranted, state.waiting.removeValue(forKey: $0.number)) }
            return (result, answers, state.isAlarmLate)
        }
        for case (let isGranted, let waiting?) in answers {
            waiting.reply.complete(.success(LockResponse.encode(isGranted, waiting.codec)))
        }
        if isLate {
            self.setTimer()
        }
        return result
    }

    /// Sets the timer for the next moment, unless it goes off earlier: moments that are taken back need no other timer.
    private func setTimer() {
        guard self.loop.inEventLoop else {
            return self.loop.execute { self.setTimer() }
        }
        let now = self.loop.now
        let alarm: Int64? = self.state.withLock { state in
            guard state.isAlarmLate, let next = state.table.nextMoment else { return nil }
            state.alarm = min(next, now.microseconds + Self.longestRest)
            return state.alarm
        }
        guard let alarm else {
            return
        }
        let timer = self.loop.scheduleTask(in: .microseconds(max(0, alarm - now.microseconds))) { self.goOff() }
        // Only the loop sets timers.
        let last = self.state.withLock { state in
            defer { state.timer = timer }
            return state.timer
        }
        last?.cancel()
    }

    private func goOff() {
        self.decide { state, now in
            state.alarm = nil
            state.table.advance(to: now)
        }
    }
}

extension LockService.State {
    /// Whether something is over before the timer goes off.
    fileprivate var isAlarmLate: Bool {
        guard let next = self.table.nextMoment else { return false }
        return self.alarm.map { next < $0 } ?? true
    }
}

extension LockRequest {
    fileprivate func requireID() throws(RPCError) {
        guard !self.id.isEmpty else { throw RPCError("empty ID is not allowed") }
    }
}

extension NIODeadline {
    fileprivate var microseconds: Int64 {
        // Rounded up, so that a timer that goes off in time finds its moment reached.
        Int64(clamping: self.uptimeNanoseconds.addingReportingOverflow(999).partialValue / 1000)
    }
}
