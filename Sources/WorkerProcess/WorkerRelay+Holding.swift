import Goridge
import NIOCore
import WorkerPool

extension WorkerRelay {
    /// Answers up to this many bytes are always read: their clients take them, or get no more of them.
    private static let smallAnswer = 64 * 1024
    /// The interval of checks for room.
    private static let holdTime = TimeAmount.milliseconds(20)

    /// Stops reading a large answer that has arrived in part while pending answers are at their limit: the worker then
    /// waits, and so does its client.
    func holdLargeAnswer(_ channel: any Channel) {
        guard !self.isHeld, self.strayOutput == nil, self.decoder.undecoded.readableBytes > Self.smallAnswer,
            self.events.pendingAnswers.isFull
        else {
            return
        }
        self.isHeld = true
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        self.releaseLater(channel)
    }

    private func releaseLater(_ channel: any Channel) {
        self.eventLoop.assumeIsolated().scheduleTask(in: Self.holdTime) {
            if channel.isActive, self.events.pendingAnswers.isFull {
                self.releaseLater(channel)
            } else {
                self.isHeld = false
                // Fails only if the channel is closed, which has nothing to read.
                try? channel.syncOptions?.setOption(.autoRead, value: true)
            }
        }
    }
}
