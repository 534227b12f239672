import Logging
import NIOCore

extension WorkerRelay {
    /// How long stray output is gathered, as in RoadRunner (docs/protocol.md).
    private static let gatherTime = TimeAmount.seconds(2)

    /// Gathers the worker's further output for the log, then ends the worker.
    ///
    /// - Parameter bytes: The output so far.
    func gather(_ reason: String, _ bytes: ByteBuffer...) {
        let strayOutput = StrayOutput(reason: reason)
        for bytes in bytes {
            strayOutput.append(bytes)
        }
        self.strayOutput = strayOutput
        self.eventLoop.scheduleTask(in: Self.gatherTime) {
            self.finishGathering()
        }
    }

    func finishGathering() {
        guard let strayOutput, !strayOutput.isFinished else {
            return
        }
        strayOutput.isFinished = true
        if self.isReady {
            self.logger.error("\(strayOutput.message)", metadata: ["reason": "\(strayOutput.reason)"])
        } else {
            self.start = .failed("\(strayOutput.message) (\(strayOutput.reason))")
        }
        self.kill()
    }
}
