import Goridge
import NIOCore
import WorkerPool

/// The conversation with a worker from its handshake to its end: matches each answer frame with its request.
///
/// A worker reads frames in order and answers in order, but an application may forget to answer, or report an error when
/// it has answered already. So unless the worker has announced that it answers each event exactly once, there is a *probe*
/// between two requests: a control frame with a pid, to which the worker replies with its own as soon as it waits for its
/// next frame. The reply proves that every request before the probe is over, and that the next frame belongs to the
/// requests after it.
struct Conversation: Sendable {
    typealias FrameAction = WorkerStateMachine.FrameAction
    typealias LeaseAction = WorkerStateMachine.LeaseAction
    typealias TickAction = WorkerStateMachine.TickAction
    typealias Interval = WorkerStateMachine.Interval

    /// The most requests that a worker has at once.
    static let mostRequests = 64
    /// Bytes of requests with their probes that a worker can be given at once, unless it has announced that it can read
    /// anything. RoadRunner's client reads through a stream of PHP, which reads 8 KiB at a time and hands out the rest of
    /// them even when that is half a header; then the client ends.
    private static let readAtOnce = 8192 - 2 * 64
    /// The whole intervals for which an awaited frame may be missing.
    private static let patience = 1
    /// The same for the reply of a worker that has reported an error, if workers of its command are known to reply.
    private static let longPatience = 30

    /// The last bytes or frame from the worker, if its meaning depends on the next frame.
    private enum Remark {
        case nothing
        /// An error frame: the answer to the first request, or a late report about the event before. The next frame
        /// decides, since a probe follows the request.
        case error(ByteBuffer)
        /// The start of a frame, after an answer and in the same read: it may be of an error frame.
        case part
    }

    private var manner: WorkerManner
    private var backlog = Backlog()
    private var remark = Remark.nothing
    /// Ticks since the first entry became the first, or the remark was made.
    private var ticks = 0
    /// The worker's reply in its handshake, which is also its reply to a probe.
    private let greeting: ByteBuffer
    /// Whether the worker may be given several requests.
    private let isPipelined: Bool

    /// - Parameters:
    ///   - greeting: The payload of the worker's handshake.
    ///   - isAnnounced: Whether it says there that the worker answers each event exactly once.
    ///   - trial: The request after which to probe the worker, 1 for its first; `nil` to wait for an occasion.
    init(greeting: ByteBuffer, isAnnounced: Bool, trial: Int?) {
        // Copied, so that it does not keep the whole read buffer alive.
        self.greeting = ByteBuffer(bytes: greeting.readableBytesView)
        self.isPipelined = trial != nil
        self.manner = isAnnounced ? .announced : trial.map { .untried(requestsLeft: $0) } ?? .unknown
    }

    /// Whether it is always known which request a frame of the worker's is for.
    var keepsOrder: Bool {
        self.manner.keepsOrder
    }

    var requests: Int {
        self.backlog.requests
    }

    /// Whether a request can be written now.
    var isWritable: Bool {
        if self.backlog.first == nil {
            if case .part = self.remark { false } else { true }
        } else {
            self.isPipelined && self.keepsOrder && self.backlog.requests < Self.mostRequests
        }
    }

    /// Whether the worker has answered all requests, but has not replied to its first probe yet.
    var owesReply: Bool {
        if case .probe = self.backlog.first { !self.keepsOrder } else { false }
    }

    // MARK: Requests

    mutating func lease(
        isClose: Bool,
        at start: Int,
        size: () -> Int,
        probesCloses: Bool,
        mayTry: () -> Bool
    ) -> LeaseAction {
        guard self.isWritable, self.fits(start: start, size: size) else {
            return .hold
        }
        let hasRequests = self.backlog.requests > 0
        var probes: WorkerStateMachine.Probes = []
        if self.backlog.first == nil {
            self.ticks = 0
        } else if case .replies = self.manner, case .request = self.backlog.last {
            probes.insert(.before)
            self.backlog.appendProbe()
        }
        self.backlog.append(Backlog.Request(isClose: isClose, start: start))
        let isProbed = self.manner.isProbed(behindClose: isClose && probesCloses) {
            // The worker might read a large request and the probe after it in two parts.
            size() <= Self.readAtOnce && mayTry()
        }
        if isProbed {
            probes.insert(.behind)
            self.backlog.appendProbe()
        }
        return hasRequests ? .append(probes) : .write(probes)
    }

    /// Whether the worker can read a request, and the probe before it, together with all bytes that may be unread.
    private func fits(start: Int, size: () -> Int) -> Bool {
        guard case .replies = self.manner, let first = self.backlog.firstStart else {
            return true
        }
        return start - first + size() <= Self.readAtOnce
    }

    // MARK: Frames

    mutating func received(_ frame: Frame, isLast: Bool, mayProbe: Bool) -> FrameAction {
        // The common case: nearly every frame is an ordinary answer.
        if frame.flags.isEmpty, case .request(let request) = self.backlog.first {
            return self.receivedAnswer(frame, to: request, isLast: isLast)
        }
        if frame.flags.contains(.control), self.isReply(frame.payload) {
            return self.receivedReply(isLast: isLast)
        }
        if frame.flags.contains(.error) {
            return self.receivedError(frame.payload, isLast: isLast, mayProbe: mayProbe)
        }
        guard case .request(let request) = self.backlog.first else {
            return .broken("a frame that nobody asked for")
        }
        return self.receivedAnswer(frame, to: request, isLast: isLast)
    }

    /// Whether a reply is awaited and the payload is one.
    private func isReply(_ payload: ByteBuffer) -> Bool {
        switch self.manner {
        case .announced, .ignores: return false
        case .owing: break
        case .replies, .untried, .unknown:
            guard self.backlog.hasProbe else {
                return false
            }
        }
        // Spelt otherwise it is the same.
        return payload == self.greeting || ControlMessage(payload: payload) == ControlMessage(payload: self.greeting)
    }

    private mutating func receivedReply(isLast: Bool) -> FrameAction {
        if case .owing = self.manner {
            // The reply to a probe that was given up: an error before it belongs to an earlier event.
            self.manner = .replies
            if case .error(let message) = self.remark {
                self.remark = .nothing
                return .lateError(message)
            }
            if self.backlog.first == nil {
                self.settle(isLast: isLast)
            }
            return .nothing
        }
        self.manner = .replies
        guard case .request(let request) = self.backlog.first else {
            self.advance(isLast: isLast)
            return .nothing
        }
        let remark = self.remark
        self.backlog.removeFirst()
        // Remove the probe, which follows the request.
        self.advance(isLast: isLast)
        if case .error(let message) = remark {
            return .answer(.error(message: message), isToClose: request.isClose)
        }
        return .unanswered(isClose: request.isClose)
    }

    private mutating func receivedError(_ message: ByteBuffer, isLast: Bool, mayProbe: Bool) -> FrameAction {
        guard case .request(let request) = self.backlog.first else {
            self.settle(isLast: isLast)
            return .lateError(message)
        }
        guard self.manner.replies(ifOthersDo: mayProbe) else {
            self.advance(isLast: isLast)
            return .answer(.error(message: message), isToClose: request.isClose)
        }
        if case .error(let earlier) = self.remark {
            self.remark = .error(message)
            return .lateError(earlier)
        }
        self.remark = .error(message)
        self.ticks = 0
        guard self.backlog.isFollowed else {
            self.backlog.appendProbe()
            return .probe
        }
        return .nothing
    }

    private mutating func receivedAnswer(
        _ frame: Frame,
        to request: Backlog.Request,
        isLast: Bool
    ) -> FrameAction {
        do throws(AnswerFault) {
            let (context, body) = try frame.answer()
            if ControlMessage.isStop(context: context), body.readableBytes == 0 {
                return self.refused(isLast: isLast)
            }
            let answer = WorkerAnswer.reply(context: context, body: body)
            if case .nothing = self.remark, !self.manner.isOwing {
                self.advance(isLast: isLast)
                return .answer(answer, isToClose: request.isClose)
            }
            return self.answered(answer, to: request, isLast: isLast)
        } catch {
            return .broken(error.reason)
        }
    }

    /// The first request is answered, and the answer reveals more about the worker.
    private mutating func answered(
        _ answer: WorkerAnswer,
        to request: Backlog.Request,
        isLast: Bool
    ) -> FrameAction {
        var aside = WorkerStateMachine.Aside()
        if case .error(let message) = self.remark {
            aside.lateError = message
        }
        if self.manner.isOwing {
            // Frames are read in order: the reply to the probe would have come before.
            self.manner = .ignores
            aside.ignoredProbe = true
            self.backlog.removeAll()
            self.settle(isLast: isLast)
        } else {
            self.advance(isLast: isLast)
        }
        return .answerAfter(aside, answer, isToClose: request.isClose)
    }

    /// The worker wants to be replaced.
    private mutating func refused(isLast: Bool) -> FrameAction {
        if case .announced = self.manner {
            self.backlog.removeAll()
            self.settle(isLast: isLast)
            return .refused(isLast: true)
        }
        self.advance(isLast: isLast)
        return .refused(isLast: false)
    }

    /// The first entry is over.
    private mutating func advance(isLast: Bool) {
        self.backlog.removeFirst()
        self.settle(isLast: isLast)
    }

    private mutating func settle(isLast: Bool) {
        self.ticks = 0
        // If answers are known to come in order, the following bytes belong to the next entries.
        self.remark = isLast || (self.backlog.first != nil && self.keepsOrder) ? .nothing : .part
    }

    // MARK: Silence

    mutating func tick(
        _ interval: Interval,
        mayProbe: Bool,
        knowsProbes: Bool,
        hasRead: () -> Bool
    ) -> TickAction {
        let isBusy = interval == .long ? self.backlog.requests > 0 : self.backlog.closes > 0
        let otherwise = isBusy ? TickAction.again : .pause
        switch (self.backlog.first, self.remark) {
        case (.request, .error):
            guard interval == .long else {
                return otherwise
            }
            guard !self.keepsOrder, self.isTooLong(knowsProbes ? Self.longPatience : Self.patience) else {
                return .again
            }
            return self.lastAnswer()
        case (.request(let request), .nothing), (.request(let request), .part):
            guard interval == (request.isClose ? .short : .long), !self.backlog.isFollowed,
                self.manner.replies(ifOthersDo: mayProbe), self.isTooLong(Self.patience)
            else {
                return otherwise
            }
            guard hasRead() else {
                // It might read the rest of a large request and a part of the probe together: see ``readAtOnce``.
                return .again
            }
            self.backlog.appendProbe()
            return .probe
        case (nil, .part), (.probe, .part):
            guard interval == .long else {
                return .pause
            }
            return self.isTooLong(Self.patience) ? .broken("bytes after its answer") : .again
        case (.probe, _):
            guard !self.keepsOrder else {
                return otherwise
            }
            guard interval == .short else {
                return .pause
            }
            guard self.isTooLong(Self.patience) else {
                return .again
            }
            self.manner = .owing
            self.backlog.removeFirst()
            return .noReply
        case (nil, _):
            return .pause
        }
    }

    private mutating func isTooLong(_ patience: Int) -> Bool {
        self.ticks += 1
        return self.ticks > patience
    }

    /// The error frame counts as the answer. The worker may still be busy, so its further frames are ignored.
    private mutating func lastAnswer() -> TickAction {
        guard case .error(let message) = self.remark else {
            return .pause
        }
        self.backlog.removeAll()
        self.backlog.appendProbe()
        self.manner = .unknown
        self.settle(isLast: true)
        return .lastAnswer(.error(message: message))
    }

    // MARK: The end

    /// No further frame comes.
    ///
    /// - Returns: The answer to the first request, if an error frame has turned out to be one.
    mutating func ended() -> WorkerAnswer? {
        guard case .error(let message) = self.remark else {
            return nil
        }
        self.advance(isLast: true)
        return .error(message: message)
    }

    /// The number of requests, from the first on, that the worker has read at least in part.
    ///
    /// - Parameter read: The most bytes that the worker has read.
    func read(_ read: Int) -> Int {
        self.backlog.read(read)
    }

    /// The same of those that the worker has begun, if it answers as it should.
    func begun(read: Int) -> Int {
        // The one request that there is: a worker that has gone astray may have begun it without a reply to a probe.
        guard self.isPipelined else {
            return self.backlog.read(read)
        }
        if case .announced = self.manner {
            return self.backlog.read(read)
        }
        // Any other worker begins its next request only after the reply to the probe before it.
        return self.backlog.isFirstRead(read) ? 1 : 0
    }
}
