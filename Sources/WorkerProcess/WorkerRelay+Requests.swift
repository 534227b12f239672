import Goridge
import NIOCore
import Synchronization
import WorkerPool

extension WorkerRelay: WorkerHandle {
    /// The most bytes that a pipe takes either completely or not at all (POSIX `PIPE_BUF` on Linux).
    private static let atomicWrite = 4096

    func enqueue(_ request: any PoolRequest) {
        self.inbox.withLock { $0.requests.append(request) }
    }

    func serve() {
        if self.eventLoop.inEventLoop {
            self.emptyInbox()
        } else if self.inbox.withLock({ $0.isToBeScheduled() }) {
            self.eventLoop.execute { self.emptyInbox() }
        }
    }

    private func emptyInbox() {
        var requests: [any PoolRequest] = []
        swap(&requests, &self.emptied)
        self.inbox.withLock { $0.take(&requests) }
        if requests.count == 1 {
            self.take(requests.removeLast())
        } else if !requests.isEmpty {
            self.collect {
                for request in requests {
                    self.take(request)
                }
            }
            requests.removeAll(keepingCapacity: true)
        }
        swap(&requests, &self.emptied)
    }

    private func take(_ request: any PoolRequest) {
        guard self.isHearing else {
            // Once the worker's output is read, the pool is notified or knows, and gives the request to another worker.
            return
        }
        if !self.held.isEmpty || !self.lease(request) {
            self.held.append(request)
            self.watch(.short)
        }
    }

    private var isHearing: Bool {
        // A request that was given in vain may be another worker's by now, and finished: it must not be touched.
        self.input?.isOpen == true && !self.wasKilled && self.machine.takesRequests
    }

    /// Continues with held requests as far as the worker can take them.
    func releaseHeld() {
        while self.machine.isWritable, self.isHearing, let request = self.held.first, self.lease(request) {
            self.held.removeFirst()
        }
        if !self.held.isEmpty {
            self.watch(.short)
        }
    }

    /// - Returns: Whether the request need not be held.
    private func lease(_ request: any PoolRequest) -> Bool {
        let isClose = request.isLast
        let action = self.machine.lease(
            isClose: isClose,
            at: self.outbox.end,
            size: request.size,
            probesCloses: self.habits.probesCloses,
            mayTry: self.tryToProbe()
        )
        switch action {
        case .write(let probes):
            self.add(request, isClose: isClose, probes, isUrgent: true)
        case .append(let probes):
            self.add(request, isClose: isClose, probes, isUrgent: false)
        case .hold:
            return false
        case .refuse:
            // The worker failed after it was chosen, and the pool knows.
            break
        }
        return true
    }

    private func add(
        _ request: any PoolRequest,
        isClose: Bool,
        _ probes: WorkerStateMachine.Probes,
        isUrgent: Bool
    ) {
        self.watch(.long)
        if isClose {
            self.watch(.short)
        }
        if probes.contains(.before) {
            self.outbox.bytes.writeImmutableBuffer(self.probe)
        }
        if let rest = request.write(into: &self.outbox.bytes, for: self.id) {
            self.flush(with: rest)
        }
        if probes.contains(.behind) {
            self.outbox.bytes.writeImmutableBuffer(self.probe)
        }
        switch self.outbox.added(isUrgent: isUrgent) {
        case .now: self.flush()
        case .atEndOfTurn: self.eventLoop.execute { self.flushCollected() }
        case .expected: break
        }
    }

    /// Combines all writes of `body` into one.
    private func collect(_ body: () -> Void) {
        self.outbox.startCollecting()
        body()
        self.flushCollected()
    }

    private func flushCollected() {
        self.outbox.finishCollecting()
        self.flush()
    }

    private func flush() {
        let count = self.outbox.bytes.readableBytes
        guard count > 0 else {
            return
        }
        defer { self.outbox.bytes.clear() }
        guard let input, input.isOpen else {
            return
        }
        let isWhole = count <= Self.atomicWrite && !input.isBehind
        input.write(self.outbox.bytes)
        self.wrote(count, canFail: isWhole)
    }

    /// - Parameter rest: The end of the last frame, which is not copied.
    private func flush(with rest: ByteBuffer) {
        let count = self.outbox.bytes.readableBytes + rest.readableBytes
        self.input?.write(self.outbox.bytes, rest)
        self.wrote(count, canFail: false)
        self.outbox.bytes.clear()
    }

    /// Notes the result of a write. If no reader is left, the input is closed by now.
    ///
    /// - Parameter canFail: Whether the system takes no byte in that case.
    private func wrote(_ count: Int, canFail: Bool) {
        let isOpen = self.input?.isOpen == true
        if isOpen || !canFail {
            self.outbox.wrote(count)
        }
        if !isOpen, self.unreadInput == nil {
            self.isCutShort = true
        }
    }

    private func tryToProbe() -> Bool {
        guard self.habits.mayTry() else {
            return false
        }
        self.trial = .begun
        return true
    }

    func writeControl(_ message: ControlMessage) {
        self.outbox.bytes.writeControlFrame(message)
        self.flush()
    }

    func writeProbe() {
        self.outbox.bytes.writeImmutableBuffer(self.probe)
        self.flush()
    }

    // MARK: The end

    func stop(timeout: TimeAmount) {
        if self.eventLoop.inEventLoop {
            self.stopNow(timeout: timeout)
        } else {
            self.eventLoop.execute { self.stopNow(timeout: timeout) }
        }
    }

    private func stopNow(timeout: TimeAmount) {
        if case .service = self.wish {
            self.wish = .end(by: nil)
        }
        switch self.machine.stop() {
        case .sendStop:
            self.wish = .end(by: .now() + timeout)
            // No effect if the worker has ended: there is no process left to kill.
            self.stopTimer = self.eventLoop.scheduleTask(in: timeout) {
                self.kill()
            }
            self.writeControl(.stop)
        case .kill:
            self.kill()
        case .nothing:
            break
        }
    }
}
