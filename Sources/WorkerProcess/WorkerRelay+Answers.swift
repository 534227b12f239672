import Goridge
import Logging
import NIOCore
import WorkerPool

extension WorkerRelay {
    func received(_ bytes: ByteBuffer) {
        if let strayOutput {
            strayOutput.append(bytes)
            return
        }
        self.decoder.append(bytes)
        do throws(FrameError) {
            while let frame = try self.decoder.next() {
                if frame.flags.isEmpty {
                    self.received(frame)
                } else {
                    self.receivedOther(frame)
                }
            }
        } catch {
            self.receivedGarbage(error)
        }
        self.tellAnswers()
        if !self.held.isEmpty {
            self.releaseHeld()
        }
    }

    private func received(_ frame: Frame) {
        let action = self.machine.received(
            frame,
            isLast: self.decoder.isEmpty,
            mayProbe: self.habits.mayProbe
        )
        if case .answer(let answer, let isToClose) = action {
            self.answers.append(answer)
            if isToClose {
                self.habits.answeredClose()
            }
        } else {
            self.perform(action, frame)
        }
    }

    /// Handles a frame other than an ordinary answer: a reply to a probe, or a missing one, reveals a worker's habits.
    private func receivedOther(_ frame: Frame) {
        let owedReply = self.machine.owesReply
        let isNoNews = !self.isReady || self.machine.pipelines
        self.received(frame)
        if self.machine.pipelines, !isNoNews {
            self.habits.repliedToProbe()
            self.tellPipelining()
        } else if owedReply, self.strayOutput != nil {
            self.habits.missedReply()
        }
    }

    private func perform(_ action: WorkerStateMachine.FrameAction, _ frame: Frame) {
        switch action {
        case .answer(let answer, _):
            self.answers.append(answer)
        case .answerAfter(let aside, let answer, let isToClose):
            if let lateError = aside.lateError {
                self.log(lateError: lateError)
            }
            if aside.ignoredProbe {
                self.habits.ignoredProbe()
            }
            if isToClose {
                self.habits.answeredClose()
            }
            self.answers.append(answer)
        case .unanswered(let isClose):
            if isClose {
                self.habits.leftCloseUnanswered()
            }
            self.answers.append(.missing(processID: self.processID))
        case .lateError(let message):
            self.log(lateError: message)
        case .probe:
            self.writeProbe()
        case .refused(let isLast):
            self.tellAnswers()
            self.events.workerRefused(self.id, isLast: isLast)
        case .ready:
            self.handshakeTimer?.cancel()
            self.handshakeTimer = nil
            self.start = .done
            self.events.workerReady(self.id, self)
            if self.machine.pipelines {
                self.tellPipelining()
            }
        case .broken(let reason):
            self.gather(reason, frame.payload, self.decoder.undecoded)
            self.giveUp(reason)
        case .nothing:
            break
        }
    }

    private func tellPipelining() {
        if self.habits.isPipelined {
            self.tellAnswers()
            self.events.workerPipelines(self.id)
        }
    }

    /// Passes all answers of one read to the pool at once.
    func tellAnswers() {
        guard !self.answers.isEmpty else {
            return
        }
        // The pool may call back before it returns.
        var answers: [WorkerAnswer] = []
        swap(&answers, &self.answers)
        self.events.workerAnswered(self.id, &answers)
        if self.answers.isEmpty {
            swap(&answers, &self.answers)
        }
    }

    /// An error frame behind an answer: `respond()` and then `$worker->error()`.
    private func log(lateError message: ByteBuffer) {
        self.logger.error(
            "worker reported an error after its answer", metadata: ["error": "\(String(buffer: message))"])
    }

    private func receivedGarbage(_ error: FrameError) {
        guard self.machine.giveUp() else {
            return
        }
        self.gather("\(error)", error.bytes)
        self.giveUp("what it wrote is \(error)")
    }

    /// Notifies the pool at once: clients that wait for an answer need not wait for the rest of the stray output.
    func giveUp(_ reason: String) {
        guard self.isReady else {
            // Reported with the rest of the text when the process has ended.
            return
        }
        self.tellAnswers()
        self.held.removeAll()
        let failure = WorkerFailure(.protocolError, "the worker\(self.pidText) is given up: \(reason)")
        // Its frames prove nothing: it may have read on past probes, so it may have begun all that it has read.
        let begun = self.machine.read(self.bytesRead())
        guard begun > 1, let exit else {
            self.events.workerFailed(self.id, failure, begun: begun)
            return
        }
        // It goes on with the requests behind the first, so their connections must not be closed before it has ended.
        self.kill()
        exit.whenComplete { _ in
            self.events.workerFailed(self.id, failure, begun: begun)
        }
    }

    /// The most bytes that the worker has read. It can read no more from now on.
    private func bytesRead() -> Int {
        self.outbox.discard()
        guard let input else {
            return self.outbox.written
        }
        guard !input.isBehind else {
            // The rest of a request is still to be written: it would follow a gap.
            return self.outbox.written
        }
        return self.outbox.written - input.unwrittenBytes - (self.unreadInput?.takeBack() ?? 0)
    }

    /// The process's name in messages.
    var pidText: String {
        self.processID.map { " (pid \($0))" } ?? ""
    }

    // MARK: The end

    /// The relay is closed, and all received bytes are read.
    func ended() {
        if self.machine.owesReply {
            self.habits.missedReply()
        }
        if case .begun = self.trial {
            self.habits.trialEnded()
        }
        self.input?.close()
        switch self.machine.closed() {
        case .startFailed:
            self.unreadInput?.close()
            if case .pending = self.start {
                self.start = .failed("the process ended before its handshake")
            }
        case .failed:
            self.failed()
        case .failedAfter(let answer):
            self.events.workerAnswered(self.id, answer)
            self.failed()
        case .nothing:
            self.unreadInput?.close()
        }
        self.held.removeAll()
        self.finishGathering()
    }

    private func failed() {
        self.hasFailed = true
        let rest = self.decoder.undecoded.readableBytes
        let failure = WorkerFailure(
            .exit,
            rest > 0
                ? "the worker\(self.pidText) ended in the middle of an answer, after \(rest) bytes of it"
                : "the worker\(self.pidText) has ended, or closed its input or output"
        )
        let bytesRead = self.bytesRead()
        let read = self.machine.read(bytesRead)
        // Half a frame may be of any of them: a worker that writes such a thing may not have replied to a probe either.
        let begun = self.isCutShort || rest > 0 ? read : self.machine.begun(read: bytesRead)
        guard begun < read, !self.wasKilled, let exit else {
            self.unreadInput?.close()
            self.events.workerFailed(self.id, failure, begun: begun)
            return
        }
        // A script that ends may close its output some time before. A worker that has to be killed has only lost its
        // output: it may have answered, and replied to probes, in vain. Its input is not at its end meanwhile, so it
        // does not end for want of that.
        exit.whenComplete { _ in
            self.unreadInput?.close()
            self.events.workerFailed(self.id, failure, begun: self.wasKilled ? read : begun)
        }
    }
}
