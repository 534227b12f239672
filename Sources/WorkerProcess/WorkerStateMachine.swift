import Goridge
import NIOCore
import WorkerPool

/// The conversation with one worker over its relay: the handshake, then one request at a time, then the end.
///
/// No I/O and no clock: a method takes what happened and says what to do.
///
/// A worker need not answer a `CLOSE` (RoadRunner's documentation says so), and an application may forget to answer any
/// event. Silence is told from work by a *probe*: a control frame with a pid, which a worker answers with its own as soon
/// as it waits for its next request. Frames are read in order, so the reply proves that the request before the probe is
/// over. While a reply is awaited the next request is held back, not written: whatever the worker does with a frame that
/// it does not know, no request is lost with it.
package struct WorkerStateMachine: Sendable {
    /// How long an event may go unanswered before the worker is probed; one more than that at the most, as a timer serves
    /// many events.
    package enum Interval: Sendable, CaseIterable {
        /// For a `CLOSE`.
        case short
        /// For other events, and for a reply or the rest of a frame.
        case long

        package var time: TimeAmount {
            switch self {
            case .short: .milliseconds(100)
            case .long: .seconds(1)
            }
        }
    }

    /// Whole intervals that something may be missing.
    private static let patience = 1
    /// The same for the reply of a worker which is known to reply, once it has reported an error.
    private static let longPatience = 30

    /// The request that a worker has.
    private struct Lease {
        let isClose: Bool
        /// Ticks since it was written, less than one interval before the first of them.
        var ticks = 0
        /// Probes that were written behind it.
        var probes = 0
    }

    private enum State {
        /// The server's pid is sent, the worker's is awaited. Can become `idle`, `broken` or `closed`.
        case handshake
        /// Nothing is asked. Can become `busy`, `stopping`, `broken` or `closed`.
        case idle
        /// A request is written, its answer is awaited. Can become `idle`, `probed`, `doubtful`, `settling`,
        /// `trailing`, `stopping`, `broken` or `closed`.
        case busy(Lease)
        /// The same, and a probe is behind the request. Can become `doubtful`, `idle`, `settling`, `trailing`,
        /// `stopping`, `broken` or `closed`.
        case probed(Lease)
        /// An error frame came: the answer, or what the worker still had to say of the event before. The next frame, an
        /// answer or the reply to a probe, tells. Can become `idle`, `settling`, `trailing`, `stopping`, `broken` or
        /// `closed`.
        case doubtful(Lease, message: ByteBuffer)
        /// The request is answered, the reply to a probe is awaited. Can become `idle`, `trailing`, `stopping`, `broken`
        /// or `closed`.
        case settling(ticks: Int)
        /// The request is answered, and the start of another frame came with it: of an error frame it may be. Can become
        /// `idle`, `settling`, `stopping`, `broken` or `closed`.
        case trailing(ticks: Int)
        /// It was asked to end; what it still writes is ignored. Can become `closed`.
        case stopping
        /// It wrote what is no answer: the rest is gathered for the log, then it is killed. Can become `closed`.
        case broken
        /// Its end of the relay is closed.
        case closed
    }

    private var state = State.handshake
    /// Probes whose reply has not come: a late one proves nothing of the request that is being served by then.
    package private(set) var outstanding = 0

    package init() {}

    /// Whether the handshake is still to come.
    package var isStarting: Bool {
        if case .handshake = self.state { true } else { false }
    }

    /// Whether a request can be written now.
    package var isIdle: Bool {
        if case .idle = self.state { true } else { false }
    }

    /// Whether the worker has answered its last request, and owes nothing but the reply to a probe.
    package var owesReply: Bool {
        if case .settling = self.state { true } else { false }
    }

    // MARK: Requests

    package enum LeaseAction: Sendable, Hashable {
        /// The request is to be written.
        case write
        /// The request and a probe are to be written.
        case writeWithProbe
        /// The request is to be kept until ``isIdle`` is true.
        case hold
        /// The worker cannot take it.
        case refuse
    }

    /// A request is to be written.
    ///
    /// - Parameter probesCloses: Whether a probe is to follow a `CLOSE` at once: workers do not answer those.
    package mutating func lease(isClose: Bool, probesCloses: Bool) -> LeaseAction {
        switch self.state {
        case .idle:
            guard isClose, probesCloses else {
                self.state = .busy(Lease(isClose: isClose))
                return .write
            }
            self.state = .probed(Lease(isClose: true, probes: 1))
            self.outstanding += 1
            return .writeWithProbe
        case .settling, .trailing:
            return .hold
        case .handshake, .busy, .probed, .doubtful, .stopping, .broken, .closed:
            return .refuse
        }
    }

    // MARK: Frames

    package enum FrameAction: Sendable {
        /// The worker is ready.
        case ready
        /// The answer to the request.
        case answer(RequestAnswer)
        /// The request is over without an answer.
        case unanswered(isClose: Bool)
        /// An error message that belongs to a request which is answered.
        case lateError(ByteBuffer)
        /// A probe is to be written.
        case probe
        /// It answered `{"stop":true}`: the request is for another worker.
        case refused
        case ignore
        /// No answer: what was wrong with it, and whether a request had been written.
        case broken(String, isBusy: Bool)
    }

    package struct RequestAnswer: Sendable {
        package var answer: WorkerAnswer
        /// Whether the request is a `CLOSE`.
        package var isToClose: Bool
        /// An error message of the request before, which came late.
        package var lateError: ByteBuffer?
        /// Whether the worker has passed over a probe that was written before the request.
        package var ignoredProbe = false
    }

    /// A whole frame came.
    ///
    /// - Parameters:
    ///   - isLast: Whether nothing that was read follows it.
    ///   - mayProbe: Whether the worker is known, or may be thought, to answer probes.
    package mutating func received(_ frame: Frame, isLast: Bool, mayProbe: Bool) -> FrameAction {
        // Nearly every frame is this.
        if frame.flags.isEmpty, case .busy(let lease) = self.state {
            return self.receivedAnswer(frame, to: lease, after: nil, isLast: isLast)
        }
        switch self.state {
        case .handshake:
            return self.receivedHandshake(frame, isLast: isLast)
        case .broken, .closed:
            return .ignore
        case .idle, .busy, .probed, .doubtful, .settling, .trailing, .stopping:
            break
        }
        if frame.flags.contains(.control), self.outstanding > 0, case .pid = ControlMessage(payload: frame.payload) {
            return self.receivedReply(isLast: isLast)
        }
        switch self.state {
        case .busy(let lease), .probed(let lease):
            return self.receivedAnswer(frame, to: lease, isLast: isLast, mayProbe: mayProbe)
        case .doubtful(let lease, let message):
            return self.receivedAnswer(frame, to: lease, after: message, isLast: isLast)
        case .idle, .settling, .trailing:
            guard frame.flags.contains(.error) else {
                self.state = .broken
                return .broken("a frame that nobody asked for", isBusy: false)
            }
            self.rest(isLast: isLast)
            return .lateError(frame.payload)
        case .handshake, .stopping, .broken, .closed:
            return .ignore
        }
    }

    private mutating func receivedHandshake(_ frame: Frame, isLast: Bool) -> FrameAction {
        guard frame.flags.contains(.control), case .pid = ControlMessage(payload: frame.payload) else {
            self.state = .broken
            return .broken("the first frame of a worker must be its pid", isBusy: false)
        }
        guard isLast else {
            self.state = .broken
            return .broken("bytes after its pid", isBusy: false)
        }
        self.state = .idle
        return .ready
    }

    /// The reply to a probe: the last one's proves that the worker waits for its next request.
    private mutating func receivedReply(isLast: Bool) -> FrameAction {
        self.outstanding -= 1
        switch self.state {
        case .probed(let lease) where self.outstanding == 0:
            self.rest(isLast: isLast)
            return .unanswered(isClose: lease.isClose)
        case .doubtful(let lease, let message) where self.outstanding == 0:
            self.rest(isLast: isLast)
            return .answer(RequestAnswer(answer: .error(message: message), isToClose: lease.isClose))
        case .settling, .trailing, .idle:
            self.rest(isLast: isLast)
            return .ignore
        case .handshake, .busy, .probed, .doubtful, .stopping, .broken, .closed:
            return .ignore
        }
    }

    /// The request is over: the worker is free, unless it owes something.
    private mutating func rest(isLast: Bool) {
        if !isLast {
            self.state = .trailing(ticks: 0)
        } else if self.outstanding > 0 {
            self.state = .settling(ticks: 0)
        } else {
            self.state = .idle
        }
    }

    private mutating func receivedAnswer(
        _ frame: Frame,
        to lease: Lease,
        isLast: Bool,
        mayProbe: Bool
    ) -> FrameAction {
        guard frame.flags.contains(.error), mayProbe else {
            return self.receivedAnswer(frame, to: lease, after: nil, isLast: isLast)
        }
        guard lease.probes == 0 else {
            self.state = .doubtful(Lease(isClose: lease.isClose, probes: lease.probes), message: frame.payload)
            return .ignore
        }
        // Other probes that are outstanding were written before the request: their replies prove nothing of it.
        self.state = .doubtful(Lease(isClose: lease.isClose, probes: 1), message: frame.payload)
        self.outstanding += 1
        return .probe
    }

    /// - Parameter message: Of an error frame that came before.
    private mutating func receivedAnswer(
        _ frame: Frame,
        to lease: Lease,
        after message: ByteBuffer?,
        isLast: Bool
    ) -> FrameAction {
        if frame.flags.contains(.error) {
            guard let message else {
                return self.answered(.error(message: frame.payload), lease, lateError: nil, isLast: isLast)
            }
            self.state = .doubtful(lease, message: frame.payload)
            return .lateError(message)
        }
        do throws(Fault) {
            let (context, body) = try Self.reply(in: frame)
            if ControlMessage.isStop(context: context), body.readableBytes == 0 {
                // It is asked to stop next; what follows is ignored from then on.
                self.state = .idle
                return .refused
            }
            return self.answered(.reply(context: context, body: body), lease, lateError: message, isLast: isLast)
        } catch {
            self.state = .broken
            return .broken(error.reason, isBusy: true)
        }
    }

    private mutating func answered(
        _ answer: WorkerAnswer,
        _ lease: Lease,
        lateError: ByteBuffer?,
        isLast: Bool
    ) -> FrameAction {
        // Frames are read in order: a probe before the request was read before it, and its reply would have come.
        let ignoredProbe = self.outstanding > lease.probes
        self.outstanding = min(self.outstanding, lease.probes)
        self.rest(isLast: isLast)
        return .answer(
            RequestAnswer(
                answer: answer,
                isToClose: lease.isClose,
                lateError: lateError,
                ignoredProbe: ignoredProbe
            )
        )
    }

    private struct Fault: Error {
        var reason: String
    }

    /// The context and the body of an answer.
    private static func reply(in frame: Frame) throws(Fault) -> (context: ByteBuffer, body: ByteBuffer) {
        guard !frame.streamFlags.contains(.stream) else {
            throw Fault(reason: "a streamed answer, which this service does not support")
        }
        guard frame.optionCount == 1 else {
            throw Fault(
                reason: "an answer with \(frame.optionCount) options instead of one, the length of its context"
            )
        }
        var body = frame.payload
        guard let length = Int(exactly: frame.firstOption), let context = body.readSlice(length: length) else {
            throw Fault(
                reason: "an answer whose context of \(frame.firstOption) bytes is longer than its payload of "
                    + "\(frame.payload.readableBytes)"
            )
        }
        return (context, body)
    }

    // MARK: Silence

    package enum TickAction: Sendable {
        /// Something is awaited: call again after the interval.
        case again
        /// Nothing is: call again an interval after the next request was written.
        case pause
        /// A probe is to be written; call again.
        case probe
        /// The probe gets no reply. The worker counts as free, since it has answered its request.
        case noReply
        /// The probe gets no reply, and an error frame has come. Either that is the answer; or it belongs to the request
        /// before, and the worker is busy: then its answer must not become the next request's. It is to be replaced.
        case lastAnswer(WorkerAnswer)
        /// The frame that began behind an answer does not end.
        case broken(String)
    }

    /// An interval has passed.
    ///
    /// - Parameters:
    ///   - mayProbe: Whether the worker is known, or may be thought, to answer probes.
    ///   - knowsProbes: Whether it is known to: then silence means that it is busy.
    package mutating func tick(_ interval: Interval, mayProbe: Bool, knowsProbes: Bool) -> TickAction {
        guard interval == .long else {
            return self.tickOfClose(mayProbe: mayProbe)
        }
        switch self.state {
        case .busy(let lease) where lease.isClose:
            return .again
        case .busy(let lease):
            return self.tick(lease, mayProbe: mayProbe)
        case .doubtful(var lease, let message):
            lease.ticks += 1
            guard lease.ticks > (knowsProbes ? Self.longPatience : Self.patience) else {
                self.state = .doubtful(lease, message: message)
                return .again
            }
            self.state = .settling(ticks: 0)
            return .lastAnswer(.error(message: message))
        case .settling(let ticks):
            guard ticks >= Self.patience else {
                self.state = .settling(ticks: ticks + 1)
                return .again
            }
            self.state = .idle
            return .noReply
        case .trailing(let ticks):
            guard ticks >= Self.patience else {
                self.state = .trailing(ticks: ticks + 1)
                return .again
            }
            self.state = .broken
            return .broken("bytes after its answer")
        case .probed:
            return .again
        case .handshake, .idle, .stopping, .broken, .closed:
            return .pause
        }
    }

    private mutating func tickOfClose(mayProbe: Bool) -> TickAction {
        guard case .busy(let lease) = self.state, lease.isClose else {
            return .pause
        }
        return self.tick(lease, mayProbe: mayProbe)
    }

    private mutating func tick(_ lease: Lease, mayProbe: Bool) -> TickAction {
        var lease = lease
        lease.ticks += 1
        guard mayProbe, lease.ticks > Self.patience else {
            self.state = .busy(lease)
            return .again
        }
        lease.probes = 1
        self.state = .probed(lease)
        self.outstanding += 1
        return .probe
    }

    // MARK: The end

    package enum GiveUpAction: Sendable {
        /// Nobody was told yet.
        case fail(isBusy: Bool)
        /// It was asked to end, or given up already.
        case none
    }

    /// The worker is of no use any more: bytes came that can be no frame, or its handshake takes too long.
    package mutating func giveUp() -> GiveUpAction {
        switch self.state {
        case .handshake, .idle, .settling, .trailing:
            self.state = .broken
            return .fail(isBusy: false)
        case .busy, .probed, .doubtful:
            self.state = .broken
            return .fail(isBusy: true)
        case .stopping, .broken, .closed:
            return .none
        }
    }

    package enum StopAction: Sendable {
        /// The stop frame is to be written; the worker has `destroy_timeout` to end.
        case sendStop
        /// It cannot be asked.
        case kill
        case none
    }

    /// The worker is to end.
    package mutating func stop() -> StopAction {
        switch self.state {
        case .idle, .settling, .trailing:
            self.state = .stopping
            return .sendStop
        case .handshake, .busy, .probed, .doubtful:
            self.state = .stopping
            return .kill
        case .stopping, .broken, .closed:
            // A broken one is killed as soon as what it wrote is gathered.
            return .none
        }
    }

    package enum CloseAction: Sendable {
        /// It ended before it was ready.
        case startFailed
        /// It ended without being asked to, with a request or without.
        case failed(isBusy: Bool)
        /// The same; its request was answered by the error frame that came last.
        case failedAfter(WorkerAnswer)
        /// It was asked to end, or given up already.
        case none
    }

    /// The worker's end of the relay is closed: no answer will come any more.
    package mutating func closed() -> CloseAction {
        defer { self.state = .closed }
        switch self.state {
        case .handshake: return .startFailed
        case .idle, .settling, .trailing: return .failed(isBusy: false)
        case .busy, .probed: return .failed(isBusy: true)
        case .doubtful(_, let message): return .failedAfter(.error(message: message))
        case .stopping, .broken, .closed: return .none
        }
    }
}
